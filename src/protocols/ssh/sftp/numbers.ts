/** Numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02, sections 3 and 7), the one that OpenSSH speaks. */
export const Fxp = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

export const VERSION = 3;
export const OK = 0;
export const PERMISSION_DENIED = 3;

/** Bits of SSH_FXP_OPEN's pflags. */
export const OPEN_READ = 0x01;
/** Write, append, create, truncate. */
export const OPEN_WRITES = 0x02 | 0x04 | 0x08 | 0x10;
