/** What other users see of our arguments in lists of processes: values of variables may be secrets. Pure. */

const ASSIGNED = /^([^=]+)=.*$/s
const WITH_VALUE = /^(-{1,2}env|-\w*e)=?([^=]+)=.*$/s
const ALONE = /^(-{1,2}env|-\w*e)$/

/** The words with `…` in place of such values; undefined where there is none. What follows `--` is the user's own command. */
export function withoutValues(words: readonly string[]): string[] | undefined {
  const end = words.indexOf('--')
  const ours = end < 0 ? words.length : end
  const masked = words.map((word, at) => {
    if (at >= ours) return word
    if (ALONE.test(words[at - 1] ?? '')) return word.replace(ASSIGNED, '$1=…')
    return word.startsWith('-') ? word.replace(WITH_VALUE, (_, flag, name) => `${flag}=${name}=…`) : word
  })
  return masked.some((word, at) => word !== words[at]) ? masked : undefined
}
