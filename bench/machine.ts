import { cpus, totalmem } from "node:os";

export interface Machine {
  cpu: string;
  cores: number;
  /** In bytes. */
  memory: number;
  node: string;
  cliVersion: string;
  sdkVersion: string;
  /** The day, in ISO 8601. */
  date: string;
}

/** What the numbers were measured on, without anything that names the machine. */
export function machine(versions: { cliVersion: string; sdkVersion: string }): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memory: totalmem(),
    node: process.versions.node,
    ...versions,
    date: new Date().toISOString().slice(0, 10),
  };
}
