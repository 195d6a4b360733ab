/** How long a failed upload may be tried again before restore points name the SSTable as not backed up, ms. */
export const PATIENCE = 600_000

/** How long a restore point waits for files that do not come to rest, ms. */
export const REST_PATIENCE = 60_000
