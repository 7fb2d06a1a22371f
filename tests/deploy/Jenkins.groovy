// Parses a Jenkinsfile and runs its steps against stubs of Jenkins's own, once for each scenario.
//
//   groovy Jenkins.groovy JENKINSFILE SCENARIOS.json > RESULTS.json
//
// A scenario: env, params (what a job has at that build; {} at its first), secrets (id -> value in
// Jenkins' store), codes (part of a shell script -> exit code of `sh`), or workspace (a folder in which
// `sh` really runs, as Jenkins runs it). Whatever step is not stubbed is an error, as on Jenkins.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

class Stopped extends RuntimeException {
    Stopped(String why) { super(why) }
}

class Build {
    static final List<String> WORSE = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED']
    Map scenario
    List steps = []
    List<String> within = []
    Map<String, String> bound = [:]
    String result = null

    void setResult(String wanted) {
        // As Jenkins does: a build's result only gets worse.
        if (result == null || WORSE.indexOf(wanted) > WORSE.indexOf(result)) { result = wanted }
    }

    void record(String step, Object given) { steps << [step: step, given: given, within: within.clone()] }

    def inside(String name, Closure body) {
        within << name
        try { return body() } finally { within.remove(within.size() - 1) }
    }

    int shell(String script) {
        if (scenario.workspace) { return really(script) }
        def hit = scenario.codes?.find { part, code -> script.contains(part) }
        return hit ? hit.value as int : 0
    }

    int really(String script) {
        File file = File.createTempFile('step', '.sh')
        file.text = script.startsWith('#!') ? script : '#!/bin/sh -xe\n' + script
        file.setExecutable(true)
        ProcessBuilder started = new ProcessBuilder(file.path).directory(new File(scenario.workspace)).redirectErrorStream(true)
        started.environment().putAll(scenario.env)
        started.environment().putAll(bound)
        Process running = started.start()
        String said = running.inputStream.text
        int code = running.waitFor()
        file.delete()
        record('said', said)
        return code
    }
}

Map bindingOf(Build build) {
    Map scenario = build.scenario
    def value = { String kind -> { Map given -> [kind: kind] + given } }
    def wrapper = { String name -> { Object... given ->
        build.record(name, given.length > 1 ? given[0] : null)
        build.inside(name, given[-1] as Closure)
    } }
    return [
        env: scenario.env, params: scenario.params, scm: 'the repository', currentBuild: build,
        properties: { List given -> build.record('properties', given) },
        disableConcurrentBuilds: { -> [kind: 'disableConcurrentBuilds'] },
        buildDiscarder: { Map given -> [kind: 'buildDiscarder', strategy: given] },
        logRotator: value('logRotator'), booleanParam: value('booleanParam'), string: value('string'),
        parameters: { List given -> [kind: 'parameters', all: given] },
        pipelineTriggers: { List given -> [kind: 'pipelineTriggers', all: given] },
        cron: { String given -> [kind: 'cron', spec: given] },
        node: wrapper('node'), timestamps: wrapper('timestamps'), timeout: wrapper('timeout'),
        stage: { String name, Closure body ->
            build.record('stage', name)
            build.inside("stage ${name}".toString(), body)
        },
        withCredentials: { List given, Closure body ->
            build.record('withCredentials', given)
            given.each { one ->
                if (!(one.credentialsId in scenario.secrets)) { throw new Stopped("no credentials ${one.credentialsId}") }
                build.bound[one.variable as String] = scenario.secrets[one.credentialsId] as String
            }
            try { build.inside('withCredentials', body) } finally { build.bound.clear() }
        },
        checkout: { given -> build.record('checkout', given) },
        sh: { given ->
            Map asked = given instanceof Map ? given : [script: given]
            build.record('sh', asked)
            int code = build.shell(asked.script as String)
            if (asked.returnStatus) { return code }
            if (code != 0) { throw new Stopped("script returned exit code ${code}") }
        },
        archiveArtifacts: { Map given -> build.record('archiveArtifacts', given) },
        junit: { Map given -> build.record('junit', given) },
        echo: { String given -> build.record('echo', given) },
        unstable: { String given -> build.record('unstable', given); build.setResult('UNSTABLE') },
        error: { String given -> build.record('error', given); throw new Stopped(given) },
    ]
}

String source = new File(args[0]).text
List results = new JsonSlurper().parse(new File(args[1])).collect { Map scenario ->
    Build build = new Build(scenario: scenario)
    Script script = new GroovyShell(new Binding(bindingOf(build))).parse(source, 'Jenkinsfile.groovy')
    String stopped = null
    try {
        script.run()
    } catch (Stopped why) {
        stopped = why.message
        build.setResult('FAILURE')
    }
    build.setResult('SUCCESS')
    [name: scenario.name, result: build.result, stopped: stopped, steps: build.steps]
}
println JsonOutput.toJson(results)
