/** The kinds of work that there are rules for; the rules are in `profiles.ts`. */
export const profileNames = ['strict', 'build', 'node', 'python', 'agent', 'desktop'] as const
export type ProfileName = (typeof profileNames)[number]
