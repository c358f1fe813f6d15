"""The configuration directory of a cluster: one for all its daemons and clients. What is of one
daemon only is said on its command line."""
import os
from xml.sax.saxutils import escape

from hadoop_cluster import HOST

LOG4J = """log4j.rootLogger=${hadoop.root.logger}
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""

# What differs from Hadoop's defaults, and why.
SETTINGS = {
    "dfs.heartbeat.interval": "1",  # a dead datanode is noticed in seconds, not in ten minutes
    "dfs.namenode.heartbeat.recheck-interval": "1000",
    "dfs.namenode.safemode.extension": "0",
    "dfs.namenode.datanode.registration.ip-hostname-check": "false",
    "dfs.namenode.fs-limits.min-block-size": "1024",  # several blocks in a small file
    "dfs.namenode.resource.du.reserved": "1048576",
    # close() of a written file sleeps this long (default 400 ms) when the block report comes after
    # it, which here is nearly always: 8 files a second instead of 60
    "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "10",
    "dfs.client.block.write.locateFollowingBlock.retries": "10",
    # a busy machine loses a datanode from a pipeline now and then, and there is no other to take
    "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
    # daemons that start together find each other ten times sooner; the limit in time is the same
    "ipc.client.connect.retry.interval": "100",
    "ipc.client.connect.max.retries": "100",
}
CORE = ("fs.", "hadoop.", "ipc.", "io.")
EC_POLICY = "XOR-2-1-1024k"  # the smallest: three datanodes are enough
YARN_MEMORY_MB = 2048


def of_cluster(env):
    """Every property of hdfs-site.xml and core-site.xml; write() tells them apart."""
    state, ports = env["state"], env["ports"]
    names = [name for name in ports if name.startswith("nn")]
    found = dict(SETTINGS)
    found.update({
        "fs.defaultFS": env["fs"], "hadoop.tmp.dir": state + "/tmp",
        "dfs.replication": min(sum(name.startswith("dn") for name in ports), 3),
        "dfs.namenode.name.dir": "file://%s/%s" % (state, names[0])})
    for name in names:
        suffix = ".%s.%s" % (env["nameservice"], name) if env["ha"] else ""
        for address, port in zip(("rpc", "http"), ports[name]):
            found["dfs.namenode.%s-address%s" % (address, suffix)] = "%s:%d" % (HOST, port)
    if env["ha"]:
        found.update(of_pair(env, names))
    if env["capture"] is not None:
        found["dfs.namenode.snapshot.capture.openfiles"] = env["capture"]
    if env["ec"]:
        found["dfs.namenode.ec.system.default.policy"] = EC_POLICY
    if env["key_provider"]:
        found["hadoop.security.key.provider.path"] = env["key_provider"]
    return found


def of_pair(env, names):
    service, journals = env["nameservice"], [n for n in env["ports"] if n.startswith("jn")]
    return {
        "dfs.nameservices": service, "dfs.ha.namenodes." + service: ",".join(names),
        "dfs.namenode.shared.edits.dir": "qjournal://%s/%s" % (
            ";".join("%s:%d" % (HOST, env["ports"][name][0]) for name in journals), service),
        "dfs.ha.fencing.methods": "shell(true)",
        "dfs.ha.tail-edits.period": "1",
        # the two ask each other to roll the log and wait for a stopped one no longer than this
        "dfs.ha.log-roll.rpc.timeout": "2s",
        "dfs.client.failover.proxy.provider." + service:
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"}


def of_yarn(env):
    """yarn-site.xml, mapred-site.xml and capacity-scheduler.xml."""
    state, ports, classes = env["state"], env["ports"], env["library"] + "/*"
    jvm = " ".join(env["jvm"])
    mapred = {
        "mapreduce.framework.name": "yarn", "mapreduce.application.classpath": classes,
        "yarn.app.mapreduce.am.staging-dir": "/user", "mapreduce.shuffle.port": ports["nm"][3],
        "yarn.app.mapreduce.am.resource.mb": "384", "mapreduce.map.memory.mb": "320",
        "yarn.app.mapreduce.am.command-opts": "-Xmx224m " + jvm,
        "mapreduce.reduce.memory.mb": "320", "mapred.child.java.opts": "-Xmx192m " + jvm,
        "mapreduce.task.io.sort.mb": "16", "mapreduce.client.submit.file.replication": "1"}
    yarn = {
        "yarn.application.classpath": env["conf"] + "," + classes,
        "yarn.resourcemanager.hostname": HOST, "yarn.nodemanager.hostname": HOST,
        "yarn.scheduler.minimum-allocation-mb": "64",
        "yarn.nodemanager.resource.memory-mb": YARN_MEMORY_MB,
        "yarn.nodemanager.resource.cpu-vcores": "4",
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.pmem-check-enabled": "false",
        "yarn.nodemanager.disk-health-checker.enable": "false",  # a full disk is not our subject
        "yarn.nodemanager.aux-services": "mapreduce_shuffle",
        "yarn.nodemanager.local-dirs": state + "/nm-local",
        "yarn.nodemanager.log-dirs": state + "/nm-log"}
    for name, port in zip(("address", "scheduler.address", "resource-tracker.address",
                           "admin.address", "webapp.address"), ports["rm"]):
        yarn["yarn.resourcemanager." + name] = "%s:%d" % (HOST, port)
    for name, port in zip(("address", "localizer.address", "webapp.address"), ports["nm"]):
        yarn["yarn.nodemanager." + name] = "%s:%d" % (HOST, port)
    queues = {"yarn.scheduler.capacity.root.queues": "default",
              "yarn.scheduler.capacity.root.default.capacity": "100",
              "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0"}
    return {"mapred-site": mapred, "yarn-site": yarn, "capacity-scheduler": queues}


def site_of(key):
    if key.startswith(CORE):
        return "core-site"
    if key.startswith("yarn.scheduler.capacity"):
        return "capacity-scheduler"
    if key.startswith(("mapred", "yarn.app.")):
        return "mapred-site"
    return "yarn-site" if key.startswith("yarn.") else "hdfs-site"


def write(env, extra):
    sites = {"core-site": {}, "hdfs-site": {}, "mapred-site": {"mapreduce.framework.name": "local"},
             "yarn-site": {}, "capacity-scheduler": {}}
    for key, value in of_cluster(env).items():
        sites[site_of(key)][key] = value
    if env["yarn"]:
        sites.update(of_yarn(env))
    for key, value in extra.items():
        sites[site_of(key)][key] = value
    for folder in ("hdfs", "datanode", "journal", "static"):  # the jars lack their web pages
        os.makedirs("%s/webapps/%s" % (env["conf"], folder))
    for name, properties in sites.items():
        write_xml("%s/%s.xml" % (env["conf"], name), properties)
    with open(env["conf"] + "/log4j.properties", "w") as file:
        file.write(LOG4J)


def write_xml(path, properties):
    with open(path, "w") as file:
        file.write("<configuration>\n")
        for key in sorted(properties):
            file.write("<property><name>%s</name><value>%s</value></property>\n"
                       % (escape(key), escape(str(properties[key]))))
        file.write("</configuration>\n")
