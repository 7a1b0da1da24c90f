type Swagger = typeof import('@nestjs/swagger');
type DecoratorName = { [Name in keyof Swagger]: Name extends `Api${string}` ? Name : never }[keyof Swagger];
type AnyDecorator = (...of: unknown[]) => (...target: unknown[]) => void;

const waiting: ((swagger: Swagger) => void)[] = [];

/** Makes a decorator that only records its target until `applyOpenApiDecorators` is called. */
function deferred<Name extends DecoratorName>(name: Name): Swagger[Name] {
  const decorator: AnyDecorator =
    (...of) =>
    (...target) => {
      waiting.push((swagger) => (swagger[name] as unknown as AnyDecorator)(...of)(...target));
    };
  return decorator as unknown as Swagger[Name];
}

/** Applies the decorators recorded since the last time, in their original order. */
export function applyOpenApiDecorators(swagger: Swagger): void {
  for (const apply of waiting.splice(0)) apply(swagger);
}

// The decorators of `@nestjs/swagger`; its documentation describes each. They take effect when the document is
// requested: until then the package, with five hundred files and twenty megabytes, is not loaded.
export const ApiAcceptedResponse = deferred('ApiAcceptedResponse');
export const ApiAmbiguousResponse = deferred('ApiAmbiguousResponse');
export const ApiBadGatewayResponse = deferred('ApiBadGatewayResponse');
export const ApiBadRequestResponse = deferred('ApiBadRequestResponse');
export const ApiBasicAuth = deferred('ApiBasicAuth');
export const ApiBearerAuth = deferred('ApiBearerAuth');
export const ApiBody = deferred('ApiBody');
export const ApiCallbacks = deferred('ApiCallbacks');
export const ApiConflictResponse = deferred('ApiConflictResponse');
export const ApiConsumes = deferred('ApiConsumes');
export const ApiContinueResponse = deferred('ApiContinueResponse');
export const ApiCookieAuth = deferred('ApiCookieAuth');
export const ApiCreatedResponse = deferred('ApiCreatedResponse');
export const ApiDefaultGetter = deferred('ApiDefaultGetter');
export const ApiDefaultResponse = deferred('ApiDefaultResponse');
export const ApiEarlyhintsResponse = deferred('ApiEarlyhintsResponse');
export const ApiExcludeController = deferred('ApiExcludeController');
export const ApiExcludeEndpoint = deferred('ApiExcludeEndpoint');
export const ApiExpectationFailedResponse = deferred('ApiExpectationFailedResponse');
export const ApiExtension = deferred('ApiExtension');
export const ApiExtraModels = deferred('ApiExtraModels');
export const ApiFailedDependencyResponse = deferred('ApiFailedDependencyResponse');
export const ApiForbiddenResponse = deferred('ApiForbiddenResponse');
export const ApiFoundResponse = deferred('ApiFoundResponse');
export const ApiGatewayTimeoutResponse = deferred('ApiGatewayTimeoutResponse');
export const ApiGoneResponse = deferred('ApiGoneResponse');
export const ApiHeader = deferred('ApiHeader');
export const ApiHeaders = deferred('ApiHeaders');
export const ApiHideProperty = deferred('ApiHideProperty');
export const ApiHttpVersionNotSupportedResponse = deferred('ApiHttpVersionNotSupportedResponse');
export const ApiIAmATeapotResponse = deferred('ApiIAmATeapotResponse');
export const ApiIncludeEndpoint = deferred('ApiIncludeEndpoint');
export const ApiInternalServerErrorResponse = deferred('ApiInternalServerErrorResponse');
export const ApiLengthRequiredResponse = deferred('ApiLengthRequiredResponse');
export const ApiLink = deferred('ApiLink');
export const ApiMethodNotAllowedResponse = deferred('ApiMethodNotAllowedResponse');
export const ApiMisdirectedResponse = deferred('ApiMisdirectedResponse');
export const ApiMovedPermanentlyResponse = deferred('ApiMovedPermanentlyResponse');
export const ApiNoContentResponse = deferred('ApiNoContentResponse');
export const ApiNonAuthoritativeInformationResponse = deferred('ApiNonAuthoritativeInformationResponse');
export const ApiNotAcceptableResponse = deferred('ApiNotAcceptableResponse');
export const ApiNotFoundResponse = deferred('ApiNotFoundResponse');
export const ApiNotImplementedResponse = deferred('ApiNotImplementedResponse');
export const ApiNotModifiedResponse = deferred('ApiNotModifiedResponse');
export const ApiOAuth2 = deferred('ApiOAuth2');
export const ApiOkResponse = deferred('ApiOkResponse');
export const ApiOperation = deferred('ApiOperation');
export const ApiParam = deferred('ApiParam');
export const ApiPartialContentResponse = deferred('ApiPartialContentResponse');
export const ApiPayloadTooLargeResponse = deferred('ApiPayloadTooLargeResponse');
export const ApiPaymentRequiredResponse = deferred('ApiPaymentRequiredResponse');
export const ApiPermanentRedirectResponse = deferred('ApiPermanentRedirectResponse');
export const ApiPreconditionFailedResponse = deferred('ApiPreconditionFailedResponse');
export const ApiPreconditionRequiredResponse = deferred('ApiPreconditionRequiredResponse');
export const ApiProcessingResponse = deferred('ApiProcessingResponse');
export const ApiProduces = deferred('ApiProduces');
export const ApiProperty = deferred('ApiProperty');
export const ApiPropertyOptional = deferred('ApiPropertyOptional');
export const ApiProxyAuthenticationRequiredResponse = deferred('ApiProxyAuthenticationRequiredResponse');
export const ApiQuery = deferred('ApiQuery');
export const ApiRequestTimeoutResponse = deferred('ApiRequestTimeoutResponse');
export const ApiRequestedRangeNotSatisfiableResponse = deferred('ApiRequestedRangeNotSatisfiableResponse');
export const ApiResetContentResponse = deferred('ApiResetContentResponse');
export const ApiResponse = deferred('ApiResponse');
export const ApiResponseProperty = deferred('ApiResponseProperty');
export const ApiSchema = deferred('ApiSchema');
export const ApiSecurity = deferred('ApiSecurity');
export const ApiSeeOtherResponse = deferred('ApiSeeOtherResponse');
export const ApiServiceUnavailableResponse = deferred('ApiServiceUnavailableResponse');
export const ApiSwitchingProtocolsResponse = deferred('ApiSwitchingProtocolsResponse');
export const ApiTags = deferred('ApiTags');
export const ApiTemporaryRedirectResponse = deferred('ApiTemporaryRedirectResponse');
export const ApiTooManyRequestsResponse = deferred('ApiTooManyRequestsResponse');
export const ApiUnauthorizedResponse = deferred('ApiUnauthorizedResponse');
export const ApiUnprocessableEntityResponse = deferred('ApiUnprocessableEntityResponse');
export const ApiUnsupportedMediaTypeResponse = deferred('ApiUnsupportedMediaTypeResponse');
export const ApiUriTooLongResponse = deferred('ApiUriTooLongResponse');
export const ApiWebhook = deferred('ApiWebhook');
