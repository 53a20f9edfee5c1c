# Debian's mirrors, as this machine's apt has them, and what comes from them. Sourced by scripts/vm-test.
# shellcheck shell=bash disable=SC2154,SC2034

# mirror_of LABEL: the address of the first archive of Debian's with that label, without the slash at its end.
mirror_of() {
  local given uri
  case $1 in
    Debian) given=${HOPLINE_VM_MIRROR:-} ;;
    Debian-Security) given=${HOPLINE_VM_SECURITY_MIRROR:-} ;;
  esac
  if [[ -n $given ]]; then
    echo "${given%/}"
    return
  fi
  # shellcheck disable=SC2016
  uri=$(apt-get indextargets --format '$(CREATED_BY)|$(LABEL)|$(REPO_URI)' |
    awk -F'|' -v label="$1" '$1 == "Packages" && $2 == label && !found { found = 1; print $3 }')
  echo "${uri%/}"
}

need_mirror() {
  [[ -n $(mirror_of Debian) ]] || die 'apt knows no archive of Debian: run apt-get update, or set HOPLINE_VM_MIRROR' \
    'to one (as in http://deb.debian.org/debian)'
}

# private_apt DIR SUITE: sets apt to the options of one that knows DIR and the archives of SUITE, and of this machine
# nothing but Debian's keys and the proxy.
private_apt() {
  local dir=$1 suite=$2 security
  need_mirror
  mkdir -p "$dir"/{lists/partial,archives/partial,parts}
  : >"$dir/status"
  # The archive of what is out of date is signed no more: the date is not looked at, the signature is.
  local flags='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no]'
  echo "deb $flags $(mirror_of Debian) $suite main" >"$dir/sources.list"
  security=$(mirror_of Debian-Security)
  if [[ -n $security ]]; then echo "deb $flags $security $suite-security main" >>"$dir/sources.list"; fi
  apt=(-q -o "Dir::Etc::sourcelist=$dir/sources.list" -o "Dir::Etc::sourceparts=$dir/parts"
    -o "Dir::Etc::preferences=/dev/null" -o "Dir::Etc::preferencesparts=$dir/parts"
    -o "Dir::State=$dir" -o "Dir::State::lists=$dir/lists" -o "Dir::State::status=$dir/status"
    -o "Dir::Cache=$dir" -o "Dir::Cache::archives=$dir/archives"
    -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Acquire::Retries=3)
}
