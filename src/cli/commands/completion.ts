/** `usnea completion SHELL`: prints what a shell needs to complete our command lines. */
import { RuntimeError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'completion',
  usage: 'bash | zsh | fish',
  summary: 'print completions for a shell',
  examples: [
    'source <(usnea completion bash)      # in ~/.bashrc',
    'source <(usnea completion zsh)       # in ~/.zshrc, behind compinit',
    'usnea completion fish | source       # in ~/.config/fish/config.fish',
  ],
  flags: [],
  count: [1, 1],
  async run({ args: [name = ''] }, session, verbs) {
    const { completionFor, shells } = await import('../completion/shells.ts')
    const shell = shells.find((one) => one === name)
    if (shell === undefined) {
      const meant = nearest(name, shells) ?? shells.join(', ')
      throw new RuntimeError('usage', { what: `there are no completions for "${name}"`, fix: `use ${meant}` })
    }
    const { readVerbs } = await import('../completion/table.ts')
    session.print(completionFor(shell, await readVerbs(verbs)))
    return 0
  },
})
