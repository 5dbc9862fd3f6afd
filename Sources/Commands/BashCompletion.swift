/// The completion script for bash, which does not execute what it offers.
///
/// The script that swift-argument-parser generates passes the names of domains and files to `compgen -W`, which expands its words as bash
/// expands a command line: whoever presses the tab key would run the command in the name `$(…)`.
enum BashCompletion {
    private static let begin = "__virt-metadata_add_completions() {\n"
    private static let end = "\n}\n"

    /// Compares words with what is typed, and quotes them as far as that is not quoted. With `-o filenames` readline would quote names that
    /// are not files, but not a dollar sign or a backquote at their beginning.
    private static let function = #"""
        __virt-metadata_add_completions() {
            local completion
            if [[ "${1}" != -W ]]; then
                while IFS='' read -r completion; do
                    [[ -n "${completion}" ]] && COMPREPLY+=("${completion}")
                done <<<"$(compgen "${@}" -- "${cur}")"
                return
            fi
            local -r word="${typed-${COMP_WORDS[COMP_CWORD]}}"
            local -a found=()
            local is_plain=true
            while IFS='' read -r completion; do
                [[ -n "${completion}" && "${completion}" = "${cur}"* ]] || continue
                [[ "${completion}" = *[![:alnum:]_./:@%+=,-]* ]] && is_plain=false
                found+=("${completion}")
            done <<<"${2}"
            if "${is_plain}"; then
                COMPREPLY+=("${found[@]}")
                return
            fi
            compopt +o filenames 2>/dev/null
            for completion in "${found[@]}"; do
                case "${word}" in
                \'*) completion="${completion//\'/\'\\\'\'}" ;;
                \"*)
                    completion="${completion//\\/\\\\}"
                    completion="${completion//\"/\\\"}"
                    completion="${completion//\$/\\\$}"
                    completion="${completion//\`/\\\`}"
                    ;;
                *) printf -v completion %q "${completion}" ;;
                esac
                COMPREPLY+=("${completion}")
            done
        }

        """#

    /// Replaces the function of the script by one that expands nothing; another text is unchanged.
    static func safe(_ script: String) -> String {
        guard script.hasPrefix("#!/bin/bash\n"), let start = script.firstRange(of: begin),
            let finish = script[start.upperBound...].firstRange(of: end)
        else { return script }
        return script[..<start.lowerBound] + function + script[finish.upperBound...]
    }
}
