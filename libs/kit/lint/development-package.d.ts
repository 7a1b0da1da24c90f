/**
 * The entry file of a package that development alone needs: as the kit sees it, or the application, or its
 * `@fledge/cli`.
 * @param application a folder of the application; default the one that the process runs in.
 */
export declare function developmentPackage(name: string, application?: string): string | undefined;
