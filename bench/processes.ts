import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

const STAT = "/proc/self/stat";

/** How often a running process is looked at, in milliseconds. */
const INTERVAL = 200;

/**
 * Watches the processes in which the engine runs dynamic providers for the program in this folder.
 *
 * @returns a function that stops it and gives the most memory that one of them held at once, in bytes; undefined where
 *   the system has no /proc
 */
export function watchProviders(folder: string): () => number | undefined {
  let peak: number | undefined;
  const look = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (isProvider(pid, folder)) peak = Math.max(peak ?? 0, peakMemory(pid) ?? 0);
    }
  };
  const timer = existsSync("/proc/self/status") ? setInterval(look, INTERVAL) : undefined;
  return () => {
    clearInterval(timer);
    return peak;
  };
}

/**
 * The processor time that children of this process have used, and theirs, in seconds, as far as they have ended. Unlike
 * time by the clock it hardly depends on what else the machine does. Undefined where the system has no /proc.
 */
export function processorTimeOfChildren(): number | undefined {
  if (!existsSync(STAT)) return undefined;
  // After the name in brackets, which may hold anything: fields 16 and 17 of proc(5), in hundredths.
  const fields = readFileSync(STAT, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** The most memory that a process ever held (resident set), in bytes. */
export function peakMemory(pid: number | string): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // it has ended
  }
}

function isProvider(pid: string, folder: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`) !== folder) return false;
    const [program, script] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return /\bnode$/.test(program!) && /dynamic-provider/.test(script!);
  } catch {
    return false;
  }
}
