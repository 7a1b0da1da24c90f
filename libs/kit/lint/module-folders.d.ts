export declare const MODULE_LIST: RegExp;
export declare const TESTS: RegExp;
export declare function moduleOf(folder: string): string | undefined;
export declare function isContract(module: string, path: string): boolean;
