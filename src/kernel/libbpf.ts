/**
 * The functions of libbpf.so.1 and libc that the kernel room calls.
 * libbpf 1.x returns -errno (or NULL with errno set) throughout: https://libbpf.readthedocs.io/
 */

import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';

export type Pointer = unknown;

export interface Libbpf {
  open(path: string, options: null): Pointer;
  load(object: Pointer): number;
  nextMap(object: Pointer, after: Pointer): Pointer;
  mapName(map: Pointer): string;
  mapFd(map: Pointer): number;
  setPinPath(map: Pointer, path: string): number;
  nextProgram(object: Pointer, after: Pointer): Pointer;
  programName(program: Pointer): string;
  sectionName(program: Pointer): string;
  attach(program: Pointer): Pointer;
  attachCgroup(program: Pointer, cgroupFd: number): Pointer;
  attachIter(program: Pointer, options: null): Pointer;
  iterCreate(linkFd: number): number;
  linkFd(link: Pointer): number;
  linkPin(link: Pointer, path: string): number;
  linkOpen(path: string): Pointer;
  linkUpdate(link: Pointer, program: Pointer): number;
  linkDestroy(link: Pointer): number;
  objGet(path: string): number;
  lookup(fd: number, key: Uint8Array, value: Uint8Array): number;
  update(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
  remove(fd: number, key: Uint8Array): number;
  /**
   * Up to `count[0]` entries after the place `from` (null: the first), into `keys` and `values`; `count` becomes how
   * many there were, `next` the place after them. ENOENT with the last of them.
   */
  lookupBatch(
    fd: number,
    from: Uint8Array | null,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint32Array,
  ): number;
  nextKey(fd: number, key: Uint8Array | null, next: Uint8Array): number;
  possibleCpus(): number;
  mmap(fd: number, length: number, writable: boolean, offset: number): ArrayBuffer;
  errno(): number;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/**
 * Loads libbpf.so.1.
 * @throws Error naming the package to install where it is missing
 */
export function loadLibbpf(): Libbpf {
  const bpf = openLibrary('libbpf.so.1', 'apt-get install libbpf1');
  const libc = openLibrary('libc.so.6', 'Hopline needs glibc');
  const lookupBatch = bpf.func(
    'int bpf_map_lookup_batch(int, void *, void *, void *, void *, void *, void *)',
  );
  const mmap = libc.func('void *mmap(void *, size_t, int, int, int, int64_t)');
  return {
    open: bpf.func('void *bpf_object__open_file(const char *, void *)'),
    load: bpf.func('int bpf_object__load(void *)'),
    nextMap: bpf.func('void *bpf_object__next_map(void *, void *)'),
    mapName: bpf.func('const char *bpf_map__name(void *)'),
    mapFd: bpf.func('int bpf_map__fd(void *)'),
    setPinPath: bpf.func('int bpf_map__set_pin_path(void *, const char *)'),
    nextProgram: bpf.func('void *bpf_object__next_program(void *, void *)'),
    programName: bpf.func('const char *bpf_program__name(void *)'),
    sectionName: bpf.func('const char *bpf_program__section_name(void *)'),
    attach: bpf.func('void *bpf_program__attach(void *)'),
    attachCgroup: bpf.func('void *bpf_program__attach_cgroup(void *, int)'),
    attachIter: bpf.func('void *bpf_program__attach_iter(void *, void *)'),
    iterCreate: bpf.func('int bpf_iter_create(int)'),
    linkFd: bpf.func('int bpf_link__fd(void *)'),
    linkPin: bpf.func('int bpf_link__pin(void *, const char *)'),
    linkOpen: bpf.func('void *bpf_link__open(const char *)'),
    linkUpdate: bpf.func('int bpf_link__update_program(void *, void *)'),
    linkDestroy: bpf.func('int bpf_link__destroy(void *)'),
    objGet: bpf.func('int bpf_obj_get(const char *)'),
    lookup: bpf.func('int bpf_map_lookup_elem(int, void *, void *)'),
    update: bpf.func('int bpf_map_update_elem(int, void *, void *, uint64_t)'),
    remove: bpf.func('int bpf_map_delete_elem(int, void *)'),
    lookupBatch: (fd, from, next, keys, values, count) =>
      lookupBatch(fd, from, next, keys, values, count, null),
    nextKey: bpf.func('int bpf_map_get_next_key(int, void *, void *)'),
    possibleCpus: bpf.func('int libbpf_num_possible_cpus()'),
    errno: () => koffi.errno(),
    mmap(fd, length, writable, offset) {
      const at = mmap(null, length, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, offset);
      if (koffi.address(at) === 0xffffffffffffffffn)
        throw new Error(`mmap of the event ring failed: ${errorName(koffi.errno())}`);
      return koffi.view(at, length);
    },
  };
}

function openLibrary(name: string, fix: string): ReturnType<typeof koffi.load> {
  try {
    return koffi.load(name);
  } catch (error) {
    throw new Error(`${name} can't be loaded (${(error as Error).message}): ${fix}`);
  }
}

/** `EPERM: operation not permitted` for a positive or negative errno. */
export function errorName(errno: number): string {
  const known = getSystemErrorMap().get(-Math.abs(errno));
  return known ? `${known[0]}: ${known[1]}` : `errno ${Math.abs(errno)}`;
}
