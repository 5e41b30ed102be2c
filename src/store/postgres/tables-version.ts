// The version of the tables that this program reads and writes.

export const tablesVersion = 2
