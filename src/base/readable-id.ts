/** Names that people can tell and type, such as `amber-fern-7k2`. They guard nothing: whoever uses one creates exclusively. */

const first =
  'amber ashen azure brisk calm clear coral crisp dusky early fleet green hazel ivory mossy ochre pale quiet russet silver tawny umber vivid woolly'.split(
    ' ',
  )
const second =
  'alder birch cedar crest delta fern fjord glade grove heath isle juniper knoll larch lichen marsh moor oak pine reed ridge spruce tarn willow'.split(
    ' ',
  )

const pick = (words: readonly string[]): string => words[Math.floor(Math.random() * words.length)] ?? 'plain'

export const readableId = (): string =>
  `${pick(first)}-${pick(second)}-${Math.floor(Math.random() * 46656)
    .toString(36)
    .padStart(3, '0')}`
