/** Memory that this process and others of the same user have in common. */
export interface MemorySharing {
  /**
   * Where other processes find bytes that a client sent or that `allocate` gave, for as long as somebody here holds them. The
   * first call finds none, but large buffers are made so from then on.
   *
   * @returns undefined: they have to be copied.
   */
  locate(bytes: Uint8Array<ArrayBuffer>): MemoryLocation | undefined;
  /**
   * Opens a memory file of another process.
   *
   * @param path - `/proc/<pid>/fd/<descriptor>`.
   * @throws Error of the system: there is none, or no right to it.
   */
  open(path: string): MemoryFile;
  /** Keeps bytes from being given back while they are used beyond the response that has them as `spent`, until `release`. */
  hold(bytes: Uint8Array): void;
  release(bytes: Uint8Array): void;
}

/** Where another process of the same user can map bytes of this one. */
export interface MemoryLocation {
  /** The file is `/proc/<pid of this process>/fd/<descriptor>`. */
  readonly descriptor: number;
  /** Where in the file they begin. */
  readonly offset: number;
}

/** A memory file of another process. */
export interface MemoryFile {
  /**
   * Bytes of the file, not copied: the other process must leave them alone as long as somebody here has them. What is written to
   * them changes a copy of this process. They can't be transferred to another thread.
   *
   * @param onGone - Called once when nobody here has them any more: they were collected, or sent as `spent`.
   * @throws Error of the system when they lie outside of the file.
   */
  map(offset: number, byteSize: number, onGone: () => void): Uint8Array<ArrayBuffer>;
  /** What was mapped stays. */
  close(): void;
}
