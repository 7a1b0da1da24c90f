/** Into how many parts the keys of a module are divided among its replicas. Fixed: it is stored with each row. */
export const PARTITIONS = 16;

/** SQL of the partition of a key. */
export const partitionOf = (key: string): string => `(hashtext(${key}) & ${PARTITIONS - 1})::smallint`;
