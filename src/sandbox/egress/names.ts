/** Which names an address was told for: a connection knows only its address. */
import type { Address } from './addresses.ts'

/** Far more than programs resolve; whoever asks for more pushes out the oldest. */
const MOST_ADDRESSES = 8192
const MOST_NAMES = 64

export class Names {
  readonly #names = new Map<Address, Set<string>>()

  learn(name: string, addresses: readonly Address[]): void {
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Set()
      this.#names.delete(address)
      names.delete(name)
      names.add(name)
      this.#names.set(address, names)
      for (const oldest of names.size > MOST_NAMES ? names : []) {
        names.delete(oldest)
        break
      }
    }
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MOST_ADDRESSES) break
      this.#names.delete(oldest)
    }
  }

  of(address: Address): readonly string[] {
    return [...(this.#names.get(address) ?? [])]
  }
}
