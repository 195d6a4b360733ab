/**
 * US$ for a GiB and month in us-east-1 by storage class, at https://aws.amazon.com/s3/pricing/; other regions and servers differ.
 * A class that is not here counts as STANDARD.
 */
const PRICES: Readonly<Record<string, number>> = {
  STANDARD: 0.023,
  REDUCED_REDUNDANCY: 0.024,
  STANDARD_IA: 0.0125,
  ONEZONE_IA: 0.01,
  GLACIER_IR: 0.004,
  GLACIER: 0.0036,
  DEEP_ARCHIVE: 0.00099,
}

/** The cost of an object at S3's list price, US$ a month. */
export function costOf(bytes: number, storageClass = 'STANDARD'): number {
  return (bytes / 1024 ** 3) * (PRICES[storageClass] ?? PRICES['STANDARD'] ?? 0)
}

/** A cost for people: `about 0.46 US$ a month at S3's list price`, `less than 0.01 US$ a month …`. */
export function formatCost(dollars: number): string {
  const amount = dollars < 0.005 ? 'less than 0.01' : `about ${dollars.toFixed(2)}`
  return `${amount} US$ a month at S3's list price`
}
