"""Functions of submissions that attack the grader.

Each is called `attack` and gets the path of a folder of the grader with a secret file,
and the port of a server of this machine. It returns what it has got hold of.
"""

ATTACKS = {
    "reads the secret": "return open(folder + '/secret').read()",
    "reads it as a module": "import runpy; runpy.run_path(folder + '/secret')",
    "lists the folder": "return os.listdir(folder)",
    "walks to the checkout": "return [p for p, _, f in os.walk('/') if 'secret' in f]",
    "reads shadow": "return open('/etc/shadow').read()",
    "reads home": "return os.listdir('/home') + os.listdir('/root')",
    "reads the grader's environment": (
        "return [open(f'/proc/{p}/environ').read() for p in os.listdir('/proc') "
        "if p.isdigit()]"
    ),
    "reads its own environment": "return dict(os.environ)",
    "reads through a descriptor": (
        "return [os.readlink(f'/proc/self/fd/{f}') for f in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{f}')]"
    ),
    "opens what a descriptor points to": (
        "d = os.open('/proc/self/fd/1/../..', os.O_RDONLY); return os.listdir(d)"
    ),
    "looks into memory": (
        "return [o for o in gc.get_objects() if type(o) is str and len(o) < 99 and "
        "'SEC' + 'RET' in o]"
    ),
    "writes into the folder": "open(folder + '/mine', 'w').write('x')",
    "replaces the secret": "os.rename('/scratch/x', folder + '/secret')",
    "deletes the folder": "shutil.rmtree(folder)",
    "writes into the packages": (
        "import numpy; open(numpy.__file__, 'a').write('raise SystemExit')"
    ),
    "writes into the package": "import vlmcore; open(vlmcore.__file__, 'a').write('x')",
    "installs": (
        "return subprocess.run([sys.executable, '-m', 'pip', 'install', 'six'], "
        "capture_output=True, timeout=3).returncode"
    ),
    "mounts": "return ctypes.CDLL(None).mount(b'none', b'/mnt', b'tmpfs', 0, None)",
    "makes a namespace to be root": (
        "return subprocess.run(['unshare', '-Urm', 'mount', '-o', 'remount,rw', '/'])"
        ".returncode"
    ),
    "becomes root": "os.setuid(0)",
    "makes a device": "os.mknod('/scratch/disk', 0o60600, os.makedev(8, 0))",
    "connects": "return socket.create_connection(('127.0.0.1', port), 1).recv(9)",
    "asks for a name": "return socket.gethostbyname('localhost.localdomain')",
    "sends a datagram": (
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        "return s.sendto(b'x', ('192.0.2.1', 9))"
    ),
    "listens": "s = socket.socket(); s.bind(('0.0.0.0', port)); return 'listens'",
    "kills its parent": "os.kill(os.getppid(), 9)",
    "kills everything": "os.kill(-1, 9)",
    "traces the first process": ("return ctypes.CDLL(None).ptrace(16, 1, None, None)"),
    "leaves forty children": (
        "for _ in range(40):\n"
        "        subprocess.Popen(['sleep', '98765'], start_new_session=True)"
    ),
    "leaves a grandchild": (
        "os.system('setsid sh -c \"sleep 98765 & exec sleep 98765\" &')"
    ),
    "forks without end": "while True: os.fork()",
    "starts threads without end": (
        "while True: threading.Thread(target=time.sleep, args=(9,)).start()"
    ),
    "fills the scratch folder": (
        "for i in range(99): open(f'{i}', 'wb').write(bytes(9_000_000))"
    ),
    "fills memory in three children": (
        "pids = []\n"
        "    for _ in range(3):\n"
        "        if (pid := os.fork()) == 0:\n"
        "            hold = b'x' * 900_000_000\n"
        "            time.sleep(2)\n"
        "            os._exit(0)\n"
        "        pids.append(pid)\n"
        "    return [os.waitpid(pid, 0)[1] for pid in pids]"
    ),
    "replaces itself": "os.execv('/bin/sh', ['sh', '-c', 'echo replaced'])",
    "claims a shape": ("return {'array': [], 'shape': [10**15], 'kind': 'f'}"),
    "says it is right": "return {'value': 1, 'passed': True, 'points': 99}",
    "answers ten million numbers": "return [0.5] * 10_000_000",
    "nests an answer": ("a = []\n    for _ in range(100_000): a = [a]\n    return a"),
    "raises what has no text": (
        "class E(Exception):\n        def __str__(self): raise KeyError\n    raise E"
    ),
    "raises what cannot be encoded": "raise ValueError('\\ud800')",
    "answers what cannot be encoded": "return '\\ud800'",
    "reads through a link": "os.symlink(folder, 'x'); return open('x/secret').read()",
    "reads through the first process": (
        "return open(f'/proc/1/root{folder}/secret').read()"
    ),
    "writes into the first process": "open('/proc/1/mem', 'r+b').write(b'x')",
    "looks for the machine's servers": (
        "return f'{port:04X}' in open('/proc/net/tcp').read() and 'SEC' + 'RET'"
    ),
    "renames the machine": "socket.sethostname('mine'); return socket.gethostname()",
    "leaves a key for others": (
        "c = ctypes.CDLL(None)\n"
        "    found = c.syscall(249, b'user', b'passed on', None, -4)\n"
        "    c.syscall(248, b'user', b'passed on', b'x', 1, -4)\n"
        "    return found > 0 and 'SEC' + 'RET'"
    ),
    "finds a key of others": (
        "c = ctypes.CDLL(None)\n"
        "    found = c.syscall(249, b'user', b'passed on', None, -4)\n"
        "    return found > 0 and 'SEC' + 'RET'"
    ),
    "raises its limits": (
        "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1)); "
        "return len(b'x' * 4_000_000_000) and 'SEC' + 'RET'"
    ),
    "stops itself": "os.kill(os.getpid(), 19)",
    "starts a child at its end": (
        "import atexit; atexit.register(os.system, 'sleep 98765')"
    ),
    "makes files without end": (
        "while True: open(f'{time.monotonic_ns()}', 'w').close()"
    ),
    "claims an endless empty array": (
        "return {'array': [], 'shape': [10**15, 0], 'kind': 'f'}"
    ),
    "sends a number of a million digits": (
        "next(o for o in gc.get_objects() if type(o).__name__ == 'Connection')"
        ".send_bytes(b'{\"value\": ' + b'7' * 1_000_000 + b'}'); time.sleep(9)"
    ),
    "answers late and twice": (
        "line = next(o for o in gc.get_objects() if type(o).__name__ == 'Connection')\n"
        "    for _ in range(3): line.send_bytes(b'{\"value\": 3}')\n"
        "    return 4"
    ),
    "prints 100 MB": "print('x' * 100_000_000)",
}
SOURCE = """
import ctypes, gc, os, shutil, socket, subprocess, sys, threading, time
def attack(folder, port):
    {}
"""
