/* strcpy(to, from) in a comment, "atoi(x)" in a string, a member, and fork() where it may be. */
int away(struct list *list)
{
    list->free("atoi(x)");
    return fork();
}
