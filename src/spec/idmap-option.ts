/**
 * crun's form of the options `idmap` and `ridmap`: with the mappings behind `=`, as in
 * `idmap=uids=0-1-10#10-11-10;gids=@0-100-10`. Each triplet is an id in the file system, the id on the host that it is
 * shown as, and how many; with `@` the second one is an id of the container. crun(1). Pure.
 */
import type { Linux, Mount, Spec } from './types.ts'

type Mappings = NonNullable<Mount['uidMappings']>

export interface OptionMappings {
  readonly uidMappings: Mappings
  readonly gidMappings: Mappings
}

const FORM = /^r?idmap=(.+)$/
const MOST = 2 ** 32 - 1

/** The place of the option among the others; -1 when there is none with mappings. */
export const idmapOptionIndex = ({ options = [] }: { readonly options?: readonly string[] | undefined }): number =>
  options.findIndex((option) => FORM.test(option))

/** The mappings of an option of that form, or the sentence that says why it has none. */
export function parseIdmapOption(option: string, linux: Linux = {}): OptionMappings | string {
  const found = new Map<string, Mappings>()
  for (const part of (FORM.exec(option)?.[1] ?? '').split(';').filter((text) => text !== '')) {
    const [, kind = '', list = ''] = /^(uids|gids)=(.*)$/.exec(part) ?? []
    if (kind === '') return `"${part}" is neither uids= nor gids=`
    if (found.has(kind)) return `${kind}= is there twice`
    const mappings = parseList(list, (kind === 'uids' ? linux.uidMappings : linux.gidMappings) ?? [])
    if (typeof mappings === 'string') return mappings
    found.set(kind, mappings)
  }
  const [uidMappings, gidMappings] = [found.get('uids'), found.get('gids')]
  if (uidMappings === undefined || gidMappings === undefined) return 'an id-mapped mount needs both uids= and gids='
  return { uidMappings, gidMappings }
}

function parseList(list: string, container: Mappings): Mappings | string {
  const mappings: Mappings[number][] = []
  for (const triplet of list.split('#')) {
    const [, relative = '', ...numbers] = /^(@?)(\d+)-(\d+)-(\d+)$/.exec(triplet) ?? []
    const [containerID = 0, second = 0, size = 0] = numbers.map(Number)
    if (numbers.length !== 3 || size === 0 || Math.max(containerID, second) + size > MOST)
      return `"${triplet}" is no mapping ID-ID-SIZE`
    const hostID = relative === '' ? second : onHost(container, second, size)
    if (hostID === undefined) return `the ids of "${triplet}" are in no single mapping of the container`
    mappings.push({ containerID, hostID, size })
  }
  return mappings
}

/** All of them in one line of the container's map: crun would map what lies behind it to foreign ids. */
function onHost(container: Mappings, id: number, size: number): number | undefined {
  const range = container.find((line) => id >= line.containerID && id + size <= line.containerID + line.size)
  return range && range.hostID + id - range.containerID
}

/** The same configuration with the mappings where the specification has them. */
export function withOptionMappings<Given extends Spec>(spec: Given): Given {
  const mounts = spec.mounts?.map((mount): Mount => {
    const option = mount.options?.[idmapOptionIndex(mount)]
    const mappings = option === undefined ? undefined : parseIdmapOption(option, spec.linux)
    if (mappings === undefined || typeof mappings === 'string') return mount
    const options = (mount.options ?? []).map((text) => text.replace(/^(r?idmap)=.*$/, '$1'))
    return { ...mount, options, ...mappings }
  })
  return mounts === undefined ? spec : { ...spec, mounts }
}
