/** The part of pngjs that is used here. */
declare module 'pngjs' {
  /** A picture of four channels: red, green, blue, opacity of each pixel. */
  export class PNG {
    constructor(options: { width: number; height: number; colorType?: number });
    readonly width: number;
    readonly height: number;
    readonly data: Uint8Array;
    static readonly sync: {
      read(file: Uint8Array): PNG;
      write(png: PNG, options?: { colorType?: number }): Uint8Array;
    };
  }
}
