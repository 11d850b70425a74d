export * from '../kernel/plan-def.ts'
