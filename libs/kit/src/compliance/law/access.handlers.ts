import { currentCall, Handles } from '@fledge/kit';
import { Injectable } from '@nestjs/common';
import { CountRuns, ForCaller, ForClerks, ForOwner, ForScopes, ForUsers } from './access.contract.js';

@Injectable()
export class AccessHandlers {
  private runs = 0;

  @Handles(ForCaller) forCaller(): string {
    return this.run();
  }
  @Handles(ForUsers) forUsers(): string {
    return this.run();
  }
  @Handles(ForClerks) forClerks(): string {
    return this.run();
  }
  @Handles(ForScopes) forScopes(): string {
    return this.run();
  }
  @Handles(ForOwner) forOwner(): string {
    return this.run();
  }
  @Handles(CountRuns) countRuns(): number {
    return this.runs;
  }

  private run(): string {
    this.runs++;
    const { subject = 'nobody', scopes = ['none'] } = currentCall()?.identity ?? {};
    return `${subject}: ${scopes.join(' ')}`;
  }
}
