/** What has to be given to whatever is around usnea, so that it can work there: ready to paste, with real paths. Pure. */

export const profileNames = ['docker', 'podman', 'kubernetes', 'seccomp', 'apparmor'] as const
export type ProfileName = (typeof profileNames)[number]

export interface Place {
  /** Real path of bin/usnea. */
  readonly program: string
  /** docs/profiles/seccomp.json of this package, and what it says. */
  readonly seccomp: string
  readonly seccompText: string
}

export const isProfileName = (name: string): name is ProfileName => profileNames.some((known) => known === name)

export function profileText(name: ProfileName, place: Place): string {
  return name === 'seccomp' ? place.seccompText : texts[name](place)
}

const why = `# seccomp: what Docker allows by default, and what makes namespaces, mounts and a root.
`

/** Everything else is the default, the capabilities too: none is added. */
const texts: Readonly<Record<Exclude<ProfileName, 'seccomp'>, (place: Place) => string>> = {
  docker: ({ seccomp }) => `${why}# apparmor: docker-default forbids every mount. Leave it out where AppArmor is off.
# systempaths: /proc as a whole, for a fresh one inside. Without it the level is U0, and the outer /proc is shown.
docker run \\
  --security-opt seccomp=${quoted(seccomp)} \\
  --security-opt apparmor=unconfined \\
  --security-opt systempaths=unconfined \\
  IMAGE
# Networks of pasta and slirp4netns need one more: --device /dev/net/tun
# As another user than root id ranges need newuidmap in the image, and no --security-opt no-new-privileges.
`,
  podman: ({
    seccomp,
  }) => `${why}# unmask: /proc as a whole, for a fresh one inside. Without it the level is U0, and the outer /proc is shown.
podman run \\
  --security-opt seccomp=${quoted(seccomp)} \\
  --security-opt apparmor=unconfined \\
  --security-opt unmask=ALL \\
  IMAGE
# Networks of pasta and slirp4netns need one more: --device /dev/net/tun
`,
  kubernetes: ({
    seccomp,
  }) => `# On each node: sudo install -D -m 0644 ${quoted(seccomp)} /var/lib/kubelet/seccomp/profiles/usnea.json
# hostUsers: false gives the pod a user namespace of its own, without which procMount: Unmasked is refused (1.33).
# Where neither can be had, leave both out: the level is U0, and the outer /proc is shown.
apiVersion: v1
kind: Pod
metadata:
  name: usnea
spec:
  hostUsers: false
  containers:
    - name: main
      image: IMAGE
      securityContext:
        procMount: Unmasked
        seccompProfile:
          type: Localhost
          localhostProfile: profiles/usnea.json
        appArmorProfile:
          type: Unconfined
`,
  apparmor: ({
    program,
  }) => `# /etc/apparmor.d/usnea, for kernel.apparmor_restrict_unprivileged_userns=1 (Ubuntu 23.10 and later).
# sudo apparmor_parser -r /etc/apparmor.d/usnea; then: usnea doctor
# Only whoever may write to the program named here, or to the files beside it, should be able to.
abi <abi/4.0>,
include <tunables/global>

profile usnea ${apparmorPath(program)} flags=(unconfined) {
  userns,

  include if exists <local/usnea>
}
`,
}

/** For a shell, where it needs it. */
const quoted = (path: string): string => (/^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** In quotes blanks are taken as they are; what stands for other names is not: apparmor.d(5). */
const apparmorPath = (path: string): string =>
  /^[\w./@+-]+$/.test(path) ? path : `"${path.replace(/["\\*?[\]{}^]/g, '\\$&')}"`
