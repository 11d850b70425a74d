/** Where the floors above look for the words of a plan. */
export type * from '../kernel/plan.ts'
