import type { INestApplication } from '@nestjs/common';

/** The law's application, running; where its modules run is up to the world. */
export interface LawWorld {
  /** The Nest application of `caller`, `stranger` or `front`. */
  module(name: string): INestApplication;
  stop(): Promise<void>;
}
