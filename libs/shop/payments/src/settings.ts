import { type ProductionChecked, type ProductionFinding, Secret } from '@fledge/kit';
import { IsInt, IsOptional, Max, Min, MinLength, ValidateBy } from 'class-validator';

/** The secret of webhooks on a developer's machine, which everybody knows. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'development-webhook-secret';

/** Any host that a URL may have, including one in a cluster, which class-validator's own check refuses. */
const IsWebUrl = (): PropertyDecorator =>
  ValidateBy({ name: 'isWebUrl', validator: { validate: isWebUrl } }, { message: 'Use a URL with http: or https:' });

/** The settings that a topology file may have under `settings.payments`. */
export class PaymentsSettings implements ProductionChecked {
  /** The provider's address; without it, this module starts the sandbox. */
  @IsOptional() @IsWebUrl() readonly providerUrl?: string;
  /** Where the built-in sandbox sends webhooks; without it, they are delivered within the process. */
  @IsOptional() @IsWebUrl() readonly webhookUrl?: string;
  /** Shared with the provider. Default: a publicly known one; none in production. */
  @Secret()
  @MinLength(16, { message: 'Set it to the secret that the provider signs webhooks with, 16 characters or more' })
  readonly webhookSecret: string = process.env.NODE_ENV === 'production' ? '' : DEVELOPMENT_WEBHOOK_SECRET;
  /**
   * How long to wait for an answer of the provider, in milliseconds. Long enough for a slow card, short compared with a
   * command's 30 s.
   */
  @IsInt() @Min(100) @Max(10_000) readonly providerTimeoutMs: number = 5_000;
  /** Milliseconds after which the provider is asked again about a payment that still waits for it. */
  @IsInt() @Min(100) @Max(3_600_000) readonly askedMaxMs: number = 15_000;
  /** How long the sandbox takes for a slow card, in milliseconds. */
  @IsInt() @Min(0) @Max(60_000) readonly sandboxSlowMs: number = 3_000;
  /** How long after its answer the sandbox reports a late result, in milliseconds. */
  @IsInt() @Min(0) @Max(600_000) readonly sandboxLateMs: number = 2_000;

  productionFindings(): readonly ProductionFinding[] {
    if (this.providerUrl !== undefined) return [];
    return [
      {
        name: 'payments-sandbox',
        fact: 'payments are made in the sandbox, which moves no money',
        cure: "Set settings.payments.providerUrl to the provider's address",
      },
    ];
  }
}

function isWebUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
