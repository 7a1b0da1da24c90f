import { IsInt, IsOptional, Max, Min, MinLength, ValidateBy } from 'class-validator';

/** The secret of webhooks on a developer's machine; refused in production. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'development-webhook-secret';

/** Any host that a URL may have, also one of a cluster, which class-validator's own check refuses. */
const IsWebUrl = (): PropertyDecorator =>
  ValidateBy({ name: 'isWebUrl', validator: { validate: isWebUrl } }, { message: 'Use a URL with http: or https:' });

/** What the topology file may say under `settings.payments`. */
export class PaymentsSettings {
  /** Where the provider is; left out, this module brings the sandbox along. */
  @IsOptional() @IsWebUrl() readonly providerUrl?: string;
  /** Where the sandbox that came along sends webhooks; left out, they are handed over in the process. */
  @IsOptional() @IsWebUrl() readonly webhookUrl?: string;
  /** Shared with the provider. Default: one that everybody knows, and none in production. */
  @MinLength(16, { message: 'Set it to the secret that the provider signs webhooks with, 16 characters or more' })
  readonly webhookSecret: string = process.env.NODE_ENV === 'production' ? '' : DEVELOPMENT_WEBHOOK_SECRET;
  /**
   * Milliseconds that an answer of the provider is waited for. Long enough for a slow card, short beside a command's 30
   * s.
   */
  @IsInt() @Min(100) @Max(10_000) readonly providerTimeoutMs: number = 5_000;
  /** Milliseconds after which a payment that still waits for the provider is asked for anew. */
  @IsInt() @Min(100) @Max(3_600_000) readonly askedMaxMs: number = 15_000;
  /** How long the sandbox takes for a slow card, in milliseconds. */
  @IsInt() @Min(0) @Max(60_000) readonly sandboxSlowMs: number = 3_000;
  /** How long after its answer the sandbox tells a late result, in milliseconds. */
  @IsInt() @Min(0) @Max(600_000) readonly sandboxLateMs: number = 2_000;
}

function isWebUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
