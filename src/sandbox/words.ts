/** Command lines as people write them, for those who have no shell in between. Pure. */

type Word = string | number | bigint
type Value = Word | readonly Word[]

/**
 * argv`git commit -m ${message} ${files}`: what stands between blanks is a word; a value is put in as it is, whatever it
 * holds, and a list becomes as many words. There is no other way to quote, and nothing is expanded.
 */
export function argv(texts: TemplateStringsArray, ...values: readonly Value[]): string[] {
  const words: string[] = []
  let word: string | undefined
  const end = () => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  texts.raw.forEach((text, i) => {
    text.split(/([ \t\r\n]+)/).forEach((part, j) => {
      if (j % 2 === 1) end()
      else if (part !== '') word = (word ?? '') + part
    })
    if (i >= values.length) return
    const [first, ...more] = listOf(values[i] as Value)
    if (first !== undefined) word = (word ?? '') + first
    for (const one of more) {
      end()
      word = one
    }
  })
  end()
  return words
}

/**
 * script`grep -r ${pattern} ${folder} | wc -l`: a text for a shell. What you write is the shell's, what you put in is
 * quoted, so that it is exactly one word, or as many as a list has.
 */
export function script(texts: TemplateStringsArray, ...values: readonly Value[]): string {
  return texts.raw
    .map(
      (text, i) =>
        text +
        (i < values.length
          ? listOf(values[i] as Value)
              .map(quote)
              .join(' ')
          : ''),
    )
    .join('')
}

const listOf = (value: Value): string[] => [value].flat().map(String)

/** One word for any POSIX shell. Quoted whatever it holds: a bare `if`, `A=b` or alias would be more than a word. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
