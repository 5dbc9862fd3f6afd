# The words of the command line, as the functions above expect them. Options before the command are the command's, and `help` has the
# completions of what follows it. The cursor's place in its word (-C) is where the word ends before the cursor: fish 3 has no option for
# it.
function __virt-metadata_tokens
    if string match -q -- '*C' $argv[1]
        string length -- "$(commandline -ct)"
        return
    end
    set -l option -o
    test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3; and set option --tokens-raw
    set -l words (commandline $option $argv)
    if test "$argv[1]" = -t
        string join \n -- $words
        return
    end
    # The command is where the words before the cursor have it.
    set -l before (commandline $option -pc)
    set -l first 2
    while test $first -le (count $before); and string match -q -- '-*' $before[$first]
        switch $before[$first]
        case '*=*' '--no-*' --guard --allow-password --leave-open --use-persistent-metadata
            set first (math $first + 1)
        case '*'
            set first (math $first + 2)
        end
    end
    if test $first -le (count $before); and test "$before[$first]" = help
        set -e words[$first]
        set -e before[$first]
    end
    if test $first -gt 2 -a $first -le (count $before)
        set -l last $first
        test "$before[$first]" = config -a $first -lt (count $before); and set last (math $first + 1)
        set words $words[1] $words[$first..$last] $words[2..(math $first - 1)] $words[(math $last + 1)..]
    end
    string join \n -- $words
end
