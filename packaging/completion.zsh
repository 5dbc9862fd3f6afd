# A value with a colon, such as a libvirt URI, is all of the value: the function above takes what follows a colon for a description.
__virt-metadata_complete() {
    local -a values=("${@//:/\\:}")
    _describe -V '' values
}

# The cursor's place in a word of which --option= is cut off is that in the rest.
__virt-metadata_cursor_index_in_current_word() {
    if [[ "${IPREFIX}" = *= || -z "${QIPREFIX}${IPREFIX}${PREFIX}" ]]; then
        printf %s "${#PREFIX}"
    else
        printf %s "${#${(z)LBUFFER}[-1]}"
    fi
}

# The functions above know options behind their command only, and --option=value as one unknown word. So options move behind the
# command, such a word becomes two, and `help` has the completions of what follows it.
functions[_virt-metadata_behind]="${functions[_virt-metadata]}"
_virt-metadata() {
    local -i first=2 last index
    while ((first < CURRENT)) && [[ "${words[first]}" = -* ]]; do
        case "${words[first]}" in
        *=* | --no-* | --guard | --allow-password | --leave-open | --use-persistent-metadata) first+=1 ;;
        *) first+=2 ;;
        esac
    done
    if ((first < CURRENT)) && [[ "${words[first]}" = help ]]; then
        words[first]=()
        CURRENT+=-1
    fi
    if ((first == CURRENT)); then
        words=("${words[1]}" "${(@)words[first,-1]}")
        CURRENT=2
    elif ((first > 2 && first < CURRENT)); then
        last=first
        [[ "${words[first]}" = config ]] && ((first + 1 < CURRENT)) && last+=1
        words=("${words[1]}" "${(@)words[first,last]}" "${(@)words[2,first-1]}" "${(@)words[last+1,-1]}")
    fi
    for ((index = CURRENT; index > 1; index -= 1)); do
        [[ "${words[index]}" = --*=* ]] || continue
        ((index < CURRENT)) || compset -P 1 '--*='
        words=("${(@)words[1,index-1]}" "${words[index]%%=*}" "${words[index]#*=}" "${(@)words[index+1,-1]}")
        CURRENT+=1
    done
    _virt-metadata_behind "${@}"
}

if [[ "${funcstack[1]}" = _virt-metadata ]]; then
    _virt-metadata "${@}"
else
    compdef _virt-metadata virt-metadata
fi
