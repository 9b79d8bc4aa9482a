/** The status numbers that the transport itself gives; those of the server's errors come from the protocol package. */
export const GRPC = {
  OK: 0,
  DEADLINE_EXCEEDED: 4,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
} as const;
