import type * as pulumi from "@pulumi/pulumi";
import { InitializationError } from "./errors";
import { Lifecycle } from "./lifecycle";
import { resourceOf } from "./platforms";
import type { Properties } from "./resource";
import { leaves } from "./schema";
import { markSecrets } from "./secrets";
import { Session } from "./session";

type Config = pulumi.dynamic.Config;

/** One for each platform in this process, shared by all types of resources. */
const sessions = new Map<string, Session>();

/**
 * The dynamic door: what the text in every resource's `__provider` evaluates to. It translates between
 * Pulumi's dynamic providers and the lifecycle, and does nothing else.
 *
 * @param type `platform:Type`, for example `jambonz:Account`
 */
function dynamic(type: string): pulumi.dynamic.ResourceProvider {
  let config: Config | undefined;
  let made: Lifecycle | undefined;
  const lifecycle = (): Lifecycle => {
    if (made) return made;
    const { platform, definition } = resourceOf(type);
    let session = sessions.get(platform.name);
    if (!session)
      sessions.set(platform.name, (session = new Session(platform, { config: (name) => config?.get(`${platform.name}:${name}`) })));
    return (made = new Lifecycle(definition, session));
  };
  return {
    // Must not wait for anything: the engine's first calls come while a promise would still be pending.
    configure: async (request: pulumi.dynamic.ConfigureRequest) => void (config = request.config),
    check: (olds: Properties, news: Properties) =>
      quietly(type, () => {
        const { inputs, failures } = lifecycle().check(own(news), own(olds ?? {}));
        // With a property in it, the engine would print that property's value, secrets included.
        return { inputs, failures: failures.map(({ reason }) => ({ property: "", reason })) };
      }),
    diff: (id: string, olds: Properties, news: Properties) =>
      quietly(type, () => {
        const { changes, replaces, deleteBeforeReplace } = lifecycle().diff(id, own(olds), own(news));
        return { changes, replaces, deleteBeforeReplace };
      }),
    create: (inputs: Properties) =>
      quietly(
        type,
        async () => {
          const { id, state } = await lifecycle().create(own(inputs));
          return { id, outs: marked(type, state, inputs) };
        },
        inputs,
      ),
    read: (id: string, props: Properties) =>
      quietly(type, async () => {
        const live = await lifecycle().read(id, own(props));
        return live ? { id, props: marked(type, live.state, props), inputs: marked(type, live.inputs) } : { id: "", props: {} };
      }),
    update: (id: string, olds: Properties, news: Properties) =>
      quietly(type, async () => ({ outs: marked(type, await lifecycle().update(id, own(olds), own(news)), news) }), news),
    delete: (id: string, props: Properties) => quietly(type, () => lifecycle().delete(id, own(props))),
  };
}

/**
 * Left to itself, the engine takes for secret only what was so at the same place in what it has sent. Inside of an object that
 * it has sent nothing is marked: the whole of it may be secret, and a program would get what is marked twice as a riddle. So
 * where there is a secret that it has not sent, the whole object is.
 */
function marked(type: string, properties: Properties, sent: Properties = {}): Properties {
  const { inputs, outputs } = resourceOf(type).definition;
  const isSent = (path: string[]) => path.reduce<any>((value, name) => value?.[name], sent) !== undefined;
  const hidden = [...leaves(inputs, properties)].filter(({ traits, path }) => traits.secret && !isSent(path)).map(({ path }) => path[0]);
  const isMarked = (path: string, isSecret: boolean) => {
    const [name, ...rest] = path.split(".");
    if (rest.length === 0) return isSecret || (isSent([name!]) && hidden.includes(name));
    return isSecret && !isSent([name!]);
  };
  return markSecrets(properties, { ...inputs.shape, ...outputs.shape }, isMarked);
}

/** What belongs to the resource, without what belongs to the door. */
function own({ __provider, ...properties }: Properties): Properties {
  return properties;
}

/** Errors reach the user without a stack; of an object that exists all the same, with its id and state. */
async function quietly<T>(type: string, act: () => T | Promise<T>, inputs?: Properties): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const told = new Error(error instanceof Error ? error.message : String(error));
    // Pulumi prints `${error}: ${error.stack}` beside the message itself; once is enough.
    Object.assign(told, { stack: "failed, see below", toString: () => type });
    if (error instanceof InitializationError) {
      const { id, state, message } = error;
      Object.assign(told, { id, properties: { ...marked(type, state, inputs), __provider: inputs?.__provider }, reasons: [message] });
    }
    throw told;
  }
}

export = dynamic;
