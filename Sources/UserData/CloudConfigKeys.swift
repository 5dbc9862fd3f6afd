import Common

/// The keys on the outermost level of cloud-config.
///
/// The names are those of cloud-init's schema (`schema-cloud-config-v1.json`, Apache-2.0 or GPL-3.0) of Debian 12 and 13, with which a test
/// compares this table. Names are facts; nothing of the schema itself is part of this program.
enum CloudConfigKeys {
    /// The versions that know a key.
    enum Support: Equatable {
        /// Those of Debian 12 (22.4.2) and Debian 13 (25.1.4).
        case both
        /// 25.1.4; 22.4.2 reads it too, though its schema does not name it.
        case unlistedBefore
        /// 25.1.4, and not 22.4.2.
        case newer
        /// None of them, but a later one.
        case later
        /// Another agent that reads cloud-config: coreos-cloudinit, cloudbase-init, VyOS, k3OS, RancherOS, Kairos. Keys that could be
        /// misspelt ones of cloud-init, such as `run_cmd`, are left out.
        case otherAgent
    }

    static let all: [String: Support] = {
        var keys: [String: Support] = [:]
        for key in common.split(whereSeparator: \.isWhitespace) { keys[String(key)] = .both }
        for key in ["launch-index", "merge_how", "merge_type", "output", "system_info", "version"] { keys[key] = .unlistedBefore }
        for key in ["create_hostname_file", "ubuntu_pro"] { keys[key] = .newer }
        for key in ["rpi"] { keys[key] = .later }
        for key in [
            "coreos", "set_hostname", "set_timezone", "vyos_config_commands", "k3os", "rancher", "install", "stages",
        ] { keys[key] = .otherAgent }
        return keys
    }()

    /// The keys that a misspelt one may mean.
    private static let meant = all.filter { $0.value != .otherAgent }.map(\.key)

    private static let common = """
        allow_public_ssh_keys ansible apk_repos apt apt_pipelining apt_reboot_if_required apt_update apt_upgrade authkey_hash autoinstall
        bootcmd byobu_by_default ca-certs ca_certs chef chpasswd cloud_config_modules cloud_final_modules cloud_init_modules
        device_aliases disable_ec2_metadata disable_root disable_root_opts disk_setup drivers fan final_message fqdn fs_setup groups
        growpart grub-dpkg grub_dpkg hostname keyboard landscape locale locale_configfile lxd manage_etc_hosts manage_resolv_conf
        mcollective migrate mount_default_fields mounts no_ssh_fingerprints ntp package_reboot_if_required package_update
        package_upgrade packages password phone_home power_state prefer_fqdn_over_hostname preserve_hostname puppet random_seed
        reporting resize_rootfs resolv_conf rh_subscription rsyslog runcmd salt_minion snap spacewalk ssh ssh_authorized_keys
        ssh_deletekeys ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id ssh_key_console_blacklist ssh_keys ssh_publish_hostkeys
        ssh_pwauth ssh_quiet_keygen swap timezone ubuntu_advantage updates user users vendor_data wireguard write_files yum_repo_dir
        yum_repos zypper
        """

    /// What is wrong with a key; `nil` for a known one.
    ///
    /// - Parameter advises: whether to name the known key that is nearest.
    static func problem(with key: String, advises: Bool = true) -> String? {
        switch all[key] {
        case .both, .unlistedBefore, .otherAgent: return nil
        case .newer: return "cloud-init 22.4.2, as in Debian 12, does not know the key '\(key)' and ignores it"
        case .later: return "cloud-init up to 25.1.4, as in Debian 12 and 13, does not know the key '\(key)' and ignores it"
        case nil where key.unicodeScalars.contains("\u{A0}"):
            return "the key '\(shown(key))' has a no-break space (U+00A0): YAML is indented by plain spaces"
        case nil:
            let near = advises ? nearestWord(to: key, among: meant) : nil
            let advice = near.map { "; did you mean '\($0)'?" } ?? ""
            return "unknown key '\(shown(key))', which cloud-init ignores\(advice)"
        }
    }

    /// The known key with which a line begins; `nil` where it is no such line.
    static func key(beginning line: String) -> String? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let rest = line[line.index(after: colon)...]
        guard rest.isEmpty || rest.first?.isWhitespace == true else { return nil }
        let key = String(line[..<colon])
        return all[key] == nil ? nil : key
    }
}
