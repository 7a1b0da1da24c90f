/** Whether a specifier asks for more of the kit than contracts may. */
export declare function isMoreOfKit(specifier: string): boolean;
