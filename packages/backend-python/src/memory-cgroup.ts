import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Names of the files of a cgroup, by the version of cgroups. */
interface CgroupFiles {
  /** Has a line `oom_kill <count>`: processes that the kernel's OOM killer ended, in whichever group it ran short. */
  readonly events: string;
  /** Bytes; `max`, or in version 1 a number that no machine has: no limit. */
  readonly limit: string;
}

const VERSION_1: CgroupFiles = { events: 'memory.oom_control', limit: 'memory.limit_in_bytes' };
const VERSION_2: CgroupFiles = { events: 'memory.events', limit: 'memory.max' };
/** Version 1 says 2^63 less a page for no limit. */
const NO_LIMIT = 2 ** 62;

/** Where Linux shows cgroups. */
export interface CgroupPlaces {
  /** The cgroups of this process. */
  readonly own: string;
  readonly mount: string;
}

const LINUX: CgroupPlaces = { own: '/proc/self/cgroup', mount: '/sys/fs/cgroup' };

/** What is known of the OOM killer in the cgroup that this process and those that it starts are in. */
export class MemoryCgroup {
  readonly #mount: string;
  readonly #folder: string;
  readonly #files: CgroupFiles;
  readonly #killsBefore: number;

  private constructor(mount: string, folder: string, files: CgroupFiles, kills: number) {
    this.#mount = mount;
    this.#folder = folder;
    this.#files = files;
    this.#killsBefore = kills;
  }

  /** Notes how many processes the OOM killer has ended so far. @returns undefined where that can't be known. */
  static open({ own, mount }: CgroupPlaces = LINUX): MemoryCgroup | undefined {
    const lines = readText(own)?.split('\n') ?? [];
    const [, inFirst] = lines.map((line) => /^\d+:memory:(.*)$/.exec(line)).find(Boolean) ?? [];
    const [, inSecond] = lines.map((line) => /^0::(.*)$/.exec(line)).find(Boolean) ?? [];
    const path = inFirst ?? inSecond;
    if (path === undefined) return undefined;
    const files = inFirst === undefined ? VERSION_2 : VERSION_1;
    const root = inFirst === undefined ? mount : join(mount, 'memory');
    // A container may see its own group as the root of all, and yet be told its name outside.
    const folder = existsSync(join(root, path)) ? join(root, path) : root;
    const kills = readKills(folder, files);
    return kills === undefined ? undefined : new MemoryCgroup(root, folder, files, kills);
  }

  /** Whether the OOM killer has ended a process of the group since it was opened. */
  get hasKilled(): boolean {
    return (readKills(this.#folder, this.#files) ?? 0) > this.#killsBefore;
  }

  /** The least limit of the group and those around it, with its file: `536870912 bytes (…/memory.max)`. */
  describeLimit(): string | undefined {
    let least: { readonly bytes: number; readonly file: string } | undefined;
    for (let folder = this.#folder; ; folder = dirname(folder)) {
      const file = join(folder, this.#files.limit);
      const bytes = Number(readText(file)?.trim());
      if (bytes < Math.min(least?.bytes ?? Infinity, NO_LIMIT)) least = { bytes, file };
      if (folder === this.#mount || folder === dirname(folder)) break;
    }
    return least === undefined ? undefined : `${least.bytes} bytes (${least.file})`;
  }
}

function readKills(folder: string, { events }: CgroupFiles): number | undefined {
  const [, count] = /^oom_kill (\d+)$/m.exec(readText(join(folder, events)) ?? '') ?? [];
  return count === undefined ? undefined : Number(count);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
