import type { Results } from "./results";
import { operations } from "./variants";

const titles = {
  package: "pulumi-cpaas",
  naive: "classes in the program",
  engine: "engine alone",
  bare: "bare requests",
};
type Name = keyof typeof titles;
const names = Object.keys(titles) as Name[];

/** The plots of RESULTS.md, as SVG by file name. */
export async function plots(results: Results): Promise<Record<string, string>> {
  const { sizes } = results;
  const x = { field: "size", type: "quantitative", title: "resources", axis: { values: sizes, labelOverlap: true } } as const;
  const color = (shown: Name[]) =>
    ({ field: "variant", title: null, scale: { domain: shown.map((name) => titles[name]), scheme: "tableau10" } }) as const;
  const time = operations.flatMap((operation) =>
    names.flatMap((name) =>
      sizes.map((size) => ({ operation, variant: titles[name], size, seconds: results.seconds(name, size, operation) })),
    ),
  );
  const managed = names.filter((name) => name !== "bare");
  const state = managed.flatMap((name) =>
    sizes.map((size) => ({ variant: titles[name], size, kilobytes: (results.stateBytes(name, size) ?? NaN) / 1000 })),
  );
  const line = { type: "line", point: true } as const;
  return {
    "time.svg": await svg({
      data: { values: time.filter(({ seconds }) => seconds) },
      facet: { column: { field: "operation", sort: [...operations], title: null } },
      spec: {
        width: 150,
        height: 220,
        mark: line,
        encoding: { x, y: { field: "seconds", type: "quantitative", title: "seconds" }, color: color(names) },
      },
      resolve: { scale: { y: "independent" } },
    }),
    "state.svg": await svg({
      data: { values: state },
      width: 450,
      height: 220,
      mark: line,
      encoding: { x, y: { field: "kilobytes", type: "quantitative", title: "state file, KB" }, color: color(managed) },
    }),
  };
}

async function svg(spec: object): Promise<string> {
  // Both are ES modules.
  const { compile } = await import("vega-lite");
  const { parse, View } = await import("vega");
  const full = { background: "white", config: { font: "sans-serif", legend: { labelLimit: 0 } }, ...spec } as Parameters<typeof compile>[0];
  const view = new View(parse(compile(full).spec), { renderer: "none" });
  return `${await view.toSVG()}\n`;
}
