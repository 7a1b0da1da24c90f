import type { Service } from './service.js';

const LOOK_EVERY_MS = 500;

interface Watched {
  isOpen: boolean;
  /** Aborted when the replica falls silent: its requests go elsewhere. */
  silence: AbortController;
  isAsked: boolean;
}

/** Knows which replicas are ready, like a load balancer that polls their readiness. */
export class FrontDoor {
  private readonly watched = new Map<Service, Watched>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly services: () => readonly Service[],
    private readonly looked: () => void,
  ) {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** The ready ones of some replicas; all of them if none is ready. */
  open(services: readonly Service[]): readonly Service[] {
    const open = services.filter((service) => this.of(service).isOpen);
    return open.length > 0 ? open : services;
  }

  /** Aborts when the replica falls silent. */
  silence(service: Service): AbortSignal {
    return this.of(service).silence.signal;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    for (const service of this.services()) void this.ask(service);
    this.looked();
  }

  private async ask(service: Service): Promise<void> {
    const watched = this.of(service);
    if (watched.isAsked) return;
    watched.isAsked = true;
    const answer = await service.probe();
    watched.isAsked = false;
    watched.isOpen = answer === 'ready';
    if (answer === 'silent') watched.silence.abort();
    else if (watched.silence.signal.aborted) watched.silence = new AbortController();
  }

  private of(service: Service): Watched {
    let watched = this.watched.get(service);
    if (watched === undefined)
      this.watched.set(service, (watched = { isOpen: true, silence: new AbortController(), isAsked: false }));
    return watched;
  }
}
