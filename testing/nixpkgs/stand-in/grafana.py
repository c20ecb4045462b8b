"""grafana server --homepath=DIR [cfg:default.SECTION.KEY=VALUE...]: a substitute for Grafana that checks its configuration.

It is as strict as Grafana 13.2 about these faults: a wrong home path or defaults.ini, the precedence of GF_SECTION_KEY over
cfg:default over the default, a read-only data directory, a data source of a type without a plugin ("Could not find plugin
definition"), a dashboard that is no JSON, and a port in use. It serves /healthz, /api/health, /api/plugins/ID/settings,
/api/datasources/uid/UID and /api/search, the last three only to the administrator. It renders no dashboards, and queries
no data source.
"""
import base64, glob, http.server, json, os, subprocess, sys

settings = {}
home = None
for argument in sys.argv[2:]:
    if argument.startswith("--homepath="): home = argument.split("=", 1)[1]
    elif argument.startswith("cfg:default."): settings.update([argument[len("cfg:default."):].split("=", 1)])
    else: sys.exit(f"grafana: unknown argument {argument}")
log = lambda level, message, **more: print(f"logger=stand-in level={level} msg={json.dumps(message)}", *(f"{k}={json.dumps(v)}" for k, v in more.items()), flush=True)
if sys.argv[1:2] != ["server"]: sys.exit("usage: grafana server")
if not home or not os.path.isfile(f"{home}/conf/defaults.ini") or not os.path.isdir(f"{home}/public"):
    sys.exit(f"Grafana-server Init Failed: Could not find config defaults, make sure homepath command line parameter is set or working directory is homepath (homepath={home})")
setting = lambda name, default: os.environ.get("GF_" + name.upper().replace(".", "_"), settings.get(name, default))
data = os.path.join(home, setting("paths.data", "data"))
os.makedirs(data, exist_ok=True)
open(f"{data}/grafana.db", "a").close()

places = [f"{home}/public/app/plugins/*/*", f"{os.path.join(home, setting('paths.bundled_plugins', 'data/plugins-bundled'))}/*", f"{setting('paths.plugins', data + '/plugins')}/*"]
plugins = {}
for place in places:
    for path in sorted(glob.glob(f"{place}/plugin.json")):
        plugin = json.load(open(path))
        if plugin["id"] in plugins: log("warn", "Skipping loading plugin as it's a duplicate", pluginId=plugin["id"])
        plugins.setdefault(plugin["id"], plugin)

provisioning = setting("paths.provisioning", f"{home}/conf/provisioning")
read = lambda kind: [json.loads(subprocess.check_output(["yq", "--output-format", "json", path])) for path in sorted(glob.glob(f"{provisioning}/{kind}/*.y*ml"))]
sources = {source["uid"]: source for file in read("datasources") for source in file["datasources"]}
for source in sources.values():
    if source["type"] not in plugins: log("error", "Could not find plugin definition for data source", dsType=source["type"])
dashboards = []
for provider in (provider for file in read("dashboards") for provider in file["providers"]):
    for path in sorted(glob.glob(f"{provider['options']['path']}/*.json")):
        try: dashboards.append({"title": json.load(open(path))["title"], "type": "dash-db", "folderTitle": provider.get("folder", "")})
        except ValueError as error: log("error", "failed to load dashboard", file=path, error=str(error))

account = "Basic " + base64.b64encode(f"{setting('security.admin_user', 'admin')}:{setting('security.admin_password', 'admin')}".encode()).decode()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0].split("/")[1:]
        if path == ["healthz"]: return self.answer(200, "Ok")
        if path == ["api", "health"]: return self.answer(200, {"database": "ok", "version": "13.2.0"})
        if self.headers.get("authorization") != account: return self.answer(401, {"message": "Unauthorized"})
        if path == ["api", "search"]: return self.answer(200, dashboards)
        if path[:2] == ["api", "plugins"] and path[3:] == ["settings"]: found, what = plugins.get(path[2]), "Plugin"
        elif path[:3] == ["api", "datasources", "uid"]: found, what = sources.get(path[3]), "Data source"
        else: found, what = None, "Page"
        self.answer(200 if found else 404, found or {"message": f"{what} not found"})
    def answer(self, status, body):
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status); self.send_header("content-length", str(len(text))); self.end_headers(); self.wfile.write(text)
    def log_message(self, *_): pass

log("info", "HTTP Server Listen", address=f"[::]:{setting('server.http_port', '3000')}")
http.server.ThreadingHTTPServer(("", int(setting("server.http_port", "3000"))), Handler).serve_forever()
