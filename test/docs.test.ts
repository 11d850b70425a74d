// Needs nothing: the links of the documentation lead somewhere, and every page can be reached from the first one.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const pages = ['README.md', ...readdirSync('docs').map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
)
const textOf = (page: string) => readFileSync(page, 'utf8')

/** As GitHub names the place of a heading. */
const anchorOf = (heading: string) =>
  heading
    .replace(/^#+ |[`*]/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (page: string) =>
  textOf(page)
    .match(/^#+ .*$/gm)
    ?.map(anchorOf) ?? []

/** What is an example of a file is no link. */
const links = pages.flatMap((page) =>
  [
    ...textOf(page)
      .replace(/^```[\s\S]*?^```/gm, '')
      .matchAll(/\]\(([^)\s#]*)(?:#([^)\s]*))?\)/g),
  ]
    .filter(([, to = '']) => !/^[a-z]+:/.test(to))
    .map(([, to = '', anchor]) => ({ page, to: to === '' ? page : normalize(join(dirname(page), to)), anchor })),
)

test('there is something to check', () => assert.ok(pages.length > 20 && links.length > 200, `${links.length} links`))

test('links lead to files and headings that are there', () => {
  assert.deepEqual(
    links.filter(
      ({ to, anchor }) =>
        !existsSync(to) || (anchor !== undefined && pages.includes(to) && !anchorsOf(to).includes(anchor)),
    ),
    [],
  )
})

test('the first page leads to every other one', () => {
  const index = links.filter(({ page }) => page === 'README.md').map(({ to }) => to)
  assert.deepEqual(
    pages.filter((page) => page !== 'README.md' && !index.includes(page)),
    [],
  )
})

test('files of the source that a page names are there', () => {
  const named = pages.flatMap((page) =>
    [...textOf(page).matchAll(/`((?:src|native|test|systemd|bin)\/[\w./-]+)`/g)].map(([, file = '']) => ({
      page,
      file,
    })),
  )
  assert.ok(named.length > 50)
  assert.deepEqual(
    named.filter(({ file }) => !existsSync(file)),
    [],
  )
})
