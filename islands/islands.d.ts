declare module "virtual:font-slices" {
  const slices: [address: string, ranges: string][];
  export default slices;
}
declare module "*?url" {
  const address: string;
  export default address;
}
