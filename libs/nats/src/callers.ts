import { CALLER, type ModuleServer } from '@fledge/kit/transport';
import { INBOXES, inboxesOf, type Subjects } from './subjects.js';

/** The caller of a call whose subject names none: a NATS client that knows nothing of Fledge. */
export const UNNAMED_CALLER = 'nats';

/** Who may call besides the modules of the application. */
export interface ClientRules {
  /** The names of clients that are no modules. */
  readonly clients: ReadonlySet<string>;
  /** Whether each call must name its caller in its subject. */
  readonly requiresCaller: boolean;
}

/** Who calls, as one subject says, and where its answers may go. */
export interface Caller {
  readonly name: string;
  readonly isAdmitted: boolean;
  /** How the subjects begin at which its processes ask for answers. */
  readonly inbox: string;
  /** Whether the caller may ask for an answer there; an empty subject asks for none. */
  owns(reply: string): boolean;
}

/**
 * Decides who may call a module. The subject proves the name as far as the broker's permissions let only that module
 * publish there. Answers go to inboxes only, to those of the caller: whoever answers could otherwise be made to write to
 * any subject on which it may publish. A module always asks for an answer: what asks for none may be an answer of the
 * broker itself, which it writes to whatever subject a request names.
 */
export class Callers {
  private readonly namespaceInboxes: string;

  constructor(
    private readonly subjects: Subjects,
    private readonly server: ModuleServer,
    private readonly rules: ClientRules,
  ) {
    this.namespaceInboxes = inboxesOf(subjects.namespace);
  }

  /** The caller of a subject that names none. */
  unnamed(): Caller {
    return this.client(UNNAMED_CALLER, !this.rules.requiresCaller);
  }

  /** The caller whose name ends a subject. */
  named(name: string): Caller {
    const { clients, requiresCaller } = this.rules;
    if (clients.has(name)) return this.client(name, true);
    if (name === UNNAMED_CALLER) return this.client(name, !requiresCaller);
    const inbox = `${this.subjects.inbox(name)}.`;
    return {
      name,
      inbox,
      isAdmitted: CALLER.test(name) && this.server.admits(name),
      owns: (reply) => reply.startsWith(inbox),
    };
  }

  /** A NATS client has an inbox of its own outside of the namespace, unless it was told to take another. */
  private client(name: string, isAdmitted: boolean): Caller {
    const inbox = `${this.subjects.inbox(name)}.`;
    const { namespaceInboxes, rules } = this;
    return {
      name,
      inbox,
      isAdmitted,
      owns: (reply) =>
        reply === ''
          ? !rules.requiresCaller
          : reply.startsWith(inbox) || (reply.startsWith(INBOXES) && !reply.startsWith(namespaceInboxes)),
    };
  }
}
