/** `/hooks/createContainer/0` to `createContainer hook #0`: runc's words, which callers look for. */
export function hookName(origin: string): string {
  const [, name, index] = /^\/hooks\/(\w+)\/(\d+)/.exec(origin) ?? []
  return name === undefined ? 'hook' : `${name} hook #${index}`
}
