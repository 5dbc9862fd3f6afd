/// The scenarios that are built in. Facts are those of Amazon's documentation, which each names.
extension BuiltInScenario {
    package static let all = [
        spot, rebalance, maintenance, asg, credentialsRotate, tokenExpiry, metadataChange, slowBoot,
    ]

    private static let delay = Parameter.duration("delay", "30s", "time from the start to the first change")

    /// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    private static let spot = BuiltInScenario(
        name: "spot", about: "A spot instance gets an interruption notice, two minutes before it is terminated.",
        parameters: [
            delay,
            .choice(
                "action", ["terminate", "stop", "hibernate"], "what happens to the instance; hibernation begins with the notice"),
            .duration("notice", "2m", "from the notice to the interruption"),
        ]
    ) { values in
        """
        # An interruption notice of a spot instance.
        steps:
        - at: 0s
          set: {instance-life-cycle: spot}
          absent: [spot/instance-action, spot/termination-time, events/recommendations/rebalance]
        - at: \(values["delay"])
        \(interruption(values["action"], notice: values["notice"]))
        """
    }

    /// The notice, and a step when it comes true. `termination-time` exists for termination alone.
    private static func interruption(_ action: String, notice: String) -> String {
        // "you do not receive a two-minute warning because the hibernation process begins immediately"
        let time = action == "hibernate" ? "@" : "@+\(notice)"
        let termination = action == "terminate" ? "\n    spot/termination-time: \"\(time)\"" : ""
        return """
              name: notice
              set:
                spot/instance-action: {action: \(action), time: "\(time)"}\(termination)
            - after: \(action == "hibernate" ? "0s" : notice)
              name: interruption

            """
    }

    /// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
    private static let rebalance = BuiltInScenario(
        name: "rebalance", about: "A spot instance gets a rebalance recommendation, and an interruption notice later.",
        parameters: [
            delay,
            .duration("lead", "1m", "from the recommendation to the notice; with 0s both appear at once, as can happen on EC2"),
            .choice("then", ["interruption", "nothing"], "what follows the recommendation"),
            .duration("notice", "2m", "from the notice to the interruption"),
        ]
    ) { values in
        """
        # A rebalance recommendation.
        steps:
        - at: 0s
          set: {instance-life-cycle: spot}
          absent: [spot/instance-action, spot/termination-time, events/recommendations/rebalance]
        - at: \(values["delay"])
          name: recommendation
          set:
            events/recommendations/rebalance: {noticeTime: "@"}

        """
            + (values["then"] == "nothing"
                ? "" : "- after: \(values["lead"])\n" + interruption("terminate", notice: values["notice"]))
    }

    /// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
    private static let maintenance = BuiltInScenario(
        name: "maintenance", about: "A maintenance event is scheduled, takes place, and moves to the history.",
        parameters: [
            delay,
            .choice(
                "code", ["system-reboot", "instance-reboot", "system-maintenance", "instance-retirement", "instance-stop"],
                "the kind of event"),
            .duration("ahead", "10m", "from the announcement to the event's beginning"),
            .duration("length", "15m", "how long the event takes"),
            .choice("end", ["completed", "canceled"], "how the event ends; a canceled event ends at its planned beginning"),
            .choice("empty", ["list", "absent"], "what is served while no event is scheduled: `[]` (list), or 404 (absent)"),
        ]
    ) { values in
        let isCanceled = values["end"] == "canceled"
        let (ahead, length) = (values.duration("ahead"), values.duration("length"))
        // The times of an event do not change when it ends, so the later step writes them relative to itself.
        let passed = isCanceled ? ahead : ahead + length
        let none = values["empty"] == "list" ? "\n    events/maintenance/scheduled: \"[]\"" : ""
        let event = { (prefix: String, state: String, passed: Duration) in
            """
            - NotBefore: "@\(offset(ahead - passed)) GMT"
                  Code: \(values["code"])
                  Description: "\(prefix)\(description(of: values["code"]))"
                  EventId: instance-event-0e3a1c5b7d9f02468
                  NotAfter: "@\(offset(ahead + length - passed)) GMT"
                  State: \(state)
            """
        }
        let nothing = """
            \(values["empty"] == "list" ? "set:\(none)\n    events/maintenance/history: \"[]\"" : "absent: [events/maintenance/scheduled, events/maintenance/history]")
            """
        let emptied = values["empty"] == "list" ? none : ""
        let removed = values["empty"] == "list" ? "" : "\n  absent: events/maintenance/scheduled"
        return """
            # A scheduled event.
            steps:
            - at: 0s
              \(nothing)
            - at: \(values["delay"])
              name: scheduled
              set:
                events/maintenance/scheduled:
                \(event("", "active", .zero))
            - after: \(ScenarioDuration.written(passed))
              name: \(values["end"])
              set:\(emptied)
                events/maintenance/history:
                \(event(isCanceled ? "[Canceled] " : "[Completed] ", values["end"], passed))\(removed)

            """
    }

    private static func description(of code: String) -> String {
        switch code {
        case "system-maintenance": "scheduled maintenance"
        case "instance-retirement", "instance-stop": "The instance is running on degraded hardware"
        default: "scheduled reboot"
        }
    }

    /// A time with a sign; nothing for the step's own time.
    private static func offset(_ time: Duration) -> String {
        time == .zero ? "" : time > .zero ? "+\(ScenarioDuration.written(time))" : "-\(ScenarioDuration.written(.zero - time))"
    }

    /// https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
    private static let asg = BuiltInScenario(
        name: "asg", about: "An Auto Scaling group takes its instance out of service.",
        parameters: [
            delay,
            Parameter(name: "from", initial: "InService", about: "the state at the start", form: .choice(lifecycleStates)),
            Parameter(
                name: "to", initial: "Terminated", about: "the state that the group is moving the instance to",
                form: .choice(lifecycleStates)),
        ]
    ) { values in
        """
        # The target lifecycle state of an instance of an Auto Scaling group.
        steps:
        - at: 0s
          set: {autoscaling/target-lifecycle-state: "\(values["from"])"}
        - at: \(values["delay"])
          name: transition
          set: {autoscaling/target-lifecycle-state: "\(values["to"])"}

        """
    }

    private static let lifecycleStates = [
        "InService", "Terminated", "Detached", "Standby", "Warmed:Hibernated", "Warmed:Running", "Warmed:Stopped",
        "Warmed:Terminated",
    ]
}
