# __virt-metadata_plain WORD: sets REPLY to a word without the quotation marks and backslashes with which it is typed.
__virt-metadata_plain() {
    local rest=$1
    REPLY=
    if [[ $rest = \'* ]]; then
        REPLY=${rest#\'}
        return
    fi
    rest=${rest#\"}
    while [[ $rest = *\\* ]]; do
        REPLY+=${rest%%\\*}
        rest=${rest#*\\}
        REPLY+=${rest:0:1}
        rest=${rest:1}
    done
    REPLY+=$rest
}

# bash begins a word at each colon and each equal sign, which the function above takes for arguments: after a libvirt URI it would
# offer nothing. So the words are joined again as they were typed, and a value is split from its option.
__virt-metadata_joined() {
    local -a words=("${COMP_WORDS[0]}")
    local -i index current=0
    local word raw=${COMP_WORDS[COMP_CWORD]} continues=
    for ((index = 1; index < ${#COMP_WORDS[@]}; index++)); do
        word=${COMP_WORDS[index]}
        if [[ $word = = && ${words[${#words[@]} - 1]} = --* ]]; then
            ((index == COMP_CWORD)) && words+=('')
            continues=
        elif ((index > 1)) && [[ -n $continues || $word = [:=]* ]]; then
            words[${#words[@]} - 1]+=$word
            [[ $word = *[:=] ]] && continues=yes || continues=
        else
            words+=("$word")
            [[ $word = *[:=] ]] && continues=yes || continues=
        fi
        ((index == COMP_CWORD)) && current=${#words[@]}-1
    done
    # After a blank a word begins, whatever the one before ends with.
    if [[ -z $raw && ${COMP_LINE:COMP_POINT - 1:1} = ' ' && -n ${words[current]} ]]; then
        words+=('')
        current=${#words[@]}-1
    fi
    # Options before the command are the command's.
    local -i first=1 depth=1
    while ((first < current)) && [[ ${words[first]} = -* ]]; do
        case ${words[first]} in
        *=* | --json | --no-* | --guard | --allow-password | --leave-open | --use-persistent-metadata) ((first += 1)) ;;
        *) ((first += 2)) ;;
        esac
    done
    [[ ${words[first]-} = config && first+1 -lt current ]] && depth=2
    if ((first > 1 && first < current)); then
        words=("${words[0]}" "${words[@]:first:depth}" "${words[@]:1:first - 1}" "${words[@]:first + depth}")
    fi
    [[ $raw = [:=]* ]] && raw=
    local REPLY
    __virt-metadata_plain "$raw"
    raw=$REPLY
    local typed=${words[current]}
    __virt-metadata_plain "$typed"
    word=$REPLY
    words[current]=$word
    local -a COMP_WORDS=("${words[@]}")
    local -i COMP_CWORD=current
    _virt-metadata "$1" "$word" "${words[current > 0 ? current - 1 : 0]}"
    # bash replaces only what follows the last colon or equal sign.
    local kept=${word%"$raw"}
    [[ $kept = *[:=] ]] && COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    return 0
}
complete -o filenames -F __virt-metadata_joined virt-metadata
