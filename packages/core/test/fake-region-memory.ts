import type { RegionMemory, RegionPlace } from '../src/memory/region-memory.ts';

/** Memory of a region without the system's shared memory behind it. */
export class FakeRegionMemory implements RegionMemory {
  readonly handle: RegionMemory['handle'];
  readonly buffer: ArrayBuffer;
  intact = true;
  closed = 0;

  constructor({ offset, byteSize }: RegionPlace, isWritable = true) {
    this.handle = { id: 1, offset, byteSize, isWritable };
    this.buffer = new ArrayBuffer(byteSize);
  }

  bytes(offset: number, byteLength: number): Uint8Array {
    return new Uint8Array(this.buffer, offset, byteLength);
  }

  isIntact(): boolean {
    return this.intact;
  }

  close(): void {
    this.closed += 1;
  }
}
