import type { HandleClientError } from '@sveltejs/kit';
import { Refusal } from '$lib/api/api';

export const handleError: HandleClientError = ({ error, status, message }) => {
  if (error instanceof Refusal) return { message: error.message, status: error.status };
  if (status !== 404) console.error(error);
  return { message: status === 404 ? 'There is no such page.' : message, status };
};
