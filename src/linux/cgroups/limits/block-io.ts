/** linux.resources.blockIO: weights are BFQ's where it is in use, limits hold for every scheduler. */
import { error, type Issue } from '../../../base/issue.ts'
import type { BlockIoLimits, ThrottleDevice, WeightDevice } from '../../../spec/types.ts'
import { digitsOf, isSet, type Target, type Write, writer } from './write.ts'

const section = '/linux/resources/blockIO'

export function checkBlockIo({ weight, leafWeight, weightDevice = [] }: BlockIoLimits): Issue[] {
  const wrong = (value: number | undefined) => isSet(value) && (value < 10 || value > 1000)
  const bad = (pointer: string) => error(pointer, 'must be from 10 to 1000')
  return [
    ...(wrong(weight) ? [bad(`${section}/weight`)] : []),
    ...(wrong(leafWeight) ? [bad(`${section}/leafWeight`)] : []),
    ...weightDevice.flatMap((device, i) =>
      wrong(device.weight) || wrong(device.leafWeight) ? [bad(`${section}/weightDevice/${i}`)] : [],
    ),
  ]
}

/** v1 weighs from 10 to 1000 and io.weight of v2 from 1 to 10000. */
export const ioWeightOf = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990)

const throttles = {
  throttleReadBpsDevice: ['blkio.throttle.read_bps_device', 'rbps'],
  throttleWriteBpsDevice: ['blkio.throttle.write_bps_device', 'wbps'],
  throttleReadIOPSDevice: ['blkio.throttle.read_iops_device', 'riops'],
  throttleWriteIOPSDevice: ['blkio.throttle.write_iops_device', 'wiops'],
} as const

export function blockIoWrites(io: BlockIoLimits, target: Target): Write[] {
  return [...weights(io, target), ...limits(io, target)]
}

function limits(io: BlockIoLimits, target: Target): Write[] {
  const write = writer(target, 'blockIO')
  return Object.entries(throttles).flatMap(([key, [file, word]]) =>
    (io[key as keyof typeof throttles] ?? []).map((device: ThrottleDevice, i) => {
      const { major, minor, rate } = device
      return target.version === 1
        ? write(`${key}/${i}`, file, `${major}:${minor} ${digitsOf(rate)}`)
        : write(`${key}/${i}`, 'io.max', `${major}:${minor} ${word}=${rate === 0 ? 'max' : digitsOf(rate)}`)
    }),
  )
}

function weights({ weight, leafWeight, weightDevice = [] }: BlockIoLimits, target: Target): Write[] {
  const all: Write[] = []
  const base = writer(target, 'blockIO')
  const choose = (key: string, choices: Write['choices']) => all.push({ ...base(key, '', ''), choices })
  if (isSet(weight)) choose('weight', choicesOf(target, '', weight))
  if (isSet(leafWeight) && target.version === 1)
    choose('leafWeight', [{ file: 'blkio.leaf_weight', value: String(leafWeight) }])
  for (const [i, device] of weightDevice.entries()) {
    const { major, minor } = device
    const place = `${major}:${minor} `
    if (isSet(device.weight)) choose(`weightDevice/${i}`, choicesOf(target, place, device.weight))
    if (isSet(device.leafWeight) && target.version === 1)
      choose(`weightDevice/${i}`, [{ file: 'blkio.leaf_weight_device', value: `${place}${device.leafWeight}` }])
  }
  return all
}

function choicesOf({ version }: Target, place: string, weight: number): Write['choices'] {
  const value = `${place}${weight}`
  if (version === 2)
    return [
      { file: 'io.bfq.weight', value },
      { file: 'io.weight', value: `${place === '' ? 'default ' : place}${ioWeightOf(weight)}` },
    ]
  return place === ''
    ? [
        { file: 'blkio.bfq.weight', value },
        { file: 'blkio.weight', value },
      ]
    : [
        { file: 'blkio.bfq.weight_device', value },
        { file: 'blkio.weight_device', value },
      ]
}

/** Is there anything that only v1 can hold? */
export const asksForLeafWeight = ({ leafWeight, weightDevice = [] }: BlockIoLimits): boolean =>
  isSet(leafWeight) || weightDevice.some((device: WeightDevice) => isSet(device.leafWeight))
