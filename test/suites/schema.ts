/**
 * The samples of the specification's own schema, from a checkout of it: our checks must find nothing in the good ones
 * and something in the bad ones. State and features are only ever written by us, so there our own answers are held against the
 * schema of the checkout, and the samples show that the schema was understood.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { parseConfig } from '../../src/spec/parse.ts'
import { structureIssues } from '../../src/spec/structure.ts'
import { openWorld, succeeded } from '../fixtures/world.ts'

interface Judgement {
  readonly subject: string
  readonly wanted: 'good' | 'bad'
  /** What is wrong with it; empty is nothing. */
  readonly found: string
}

const folder = (checkout: string) => join(checkout, 'schema')

/** The schemas are of draft 4, of which only names differ from what ajv knows. */
function schemaOf(checkout: string, name: string): ValidateFunction {
  const ajv = new Ajv({ strict: false, validateSchema: false, allErrors: true, logger: false })
  for (const file of readdirSync(folder(checkout)).filter((file) => file.endsWith('.json'))) {
    const { $schema, id, ...schema } = JSON.parse(readFileSync(join(folder(checkout), file), 'utf8'))
    ajv.addSchema(schema, file)
  }
  const validate = ajv.getSchema(`${name}-schema.json`)
  if (validate === undefined) throw new Error(`the checkout has no schema/${name}-schema.json`)
  return validate
}

function judgeConfig(text: string): string {
  const parsed = parseConfig(text)
  if ('issue' in parsed) return parsed.issue.message
  return structureIssues(JSON.parse(text))
    .map(({ pointer, message }) => `${pointer} ${message}`)
    .join('; ')
}

function judgeBySchema(validate: ValidateFunction): (text: string) => string {
  return (text) => {
    try {
      return validate(JSON.parse(text))
        ? ''
        : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ')
    } catch (error) {
      return String(error)
    }
  }
}

function samples(checkout: string, kind: string, judge: (text: string) => string): Judgement[] {
  return (['good', 'bad'] as const).flatMap((wanted) => {
    const place = join(folder(checkout), 'test', kind, wanted)
    if (!existsSync(place)) return []
    const names = readdirSync(place).sort()
    return names.map((name) => ({
      subject: `${kind}/${wanted}/${name}`,
      wanted,
      found: judge(readFileSync(join(place, name), 'utf8')),
    }))
  })
}

/** What we answer about ourselves and about a container. */
async function ownAnswers(checkout: string): Promise<Judgement[]> {
  await using world = await openWorld(process.geteuid?.() === 0 ? 'root' : 'plain')
  const bundle = await world.bundle((config) => {
    config.annotations = { 'org.example.note': 'kept' }
  })
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const state = succeeded(await world.usnea(['state', id]))
  succeeded(await world.usnea(['delete', '--force', id]))
  const features = succeeded(await world.usnea(['features']))
  return Object.entries({ state, features }).map(([name, text]) => ({
    subject: `${name}, as usnea writes it`,
    wanted: 'good',
    found: judgeBySchema(schemaOf(checkout, name))(text),
  }))
}

/** Prints a table. Returns whether all were judged right. */
export async function runSchema(checkout: string): Promise<boolean> {
  if (!existsSync(join(folder(checkout), 'config-schema.json')))
    throw new Error(`${checkout} is no checkout of runtime-spec: it has no schema/config-schema.json`)
  const judgements = [
    ...samples(checkout, 'config', judgeConfig),
    ...(await ownAnswers(checkout)),
    ...['state', 'features'].flatMap((kind) => samples(checkout, kind, judgeBySchema(schemaOf(checkout, kind)))),
  ]
  const isRight = ({ wanted, found }: Judgement) => (found === '') === (wanted === 'good')
  for (const judgement of judgements)
    console.log(
      `${isRight(judgement) ? 'right' : 'WRONG'}  ${judgement.subject}  ${judgement.found || 'nothing is wrong'}`,
    )
  const right = judgements.filter(isRight).length
  console.log(`\n${right} of ${judgements.length} judged right`)
  return right === judgements.length
}
