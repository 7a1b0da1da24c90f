/** The part of class-transformer's metadata storage that shapes read; the package ships no types at this path. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: {
    findTypeMetadata(
      target: unknown,
      field: string,
    ):
      | {
          typeFunction?: () => unknown;
          options?: {
            discriminator?: {
              readonly property: string;
              readonly subTypes: readonly { readonly name: string; readonly value: unknown }[];
            };
          };
        }
      | undefined;
    findTransformMetadatas(target: unknown, field: string, direction: number): readonly unknown[];
    findExcludeMetadata(target: unknown, field: string): unknown;
  };
}
